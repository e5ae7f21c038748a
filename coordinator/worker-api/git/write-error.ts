import { LFS_MEDIA_TYPE } from '../../../protocol/lfs.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { toProblem } from '../../../protocol/problem-document.ts';
import type { ErrorWriter } from '../caller.ts';

/**
 * Writes an error as plain text, and for Git LFS as JSON, whose message it shows. Git prints that as `remote: <code>:
 * <detail>`, but only for its request for the refs; the header `errand-error` has the code for clients that can read
 * headers. A 401 always means the task token. A forge that refuses its own credential becomes another status, or git
 * would prompt for a password.
 */
export const writeGitError: ErrorWriter = (response, error, request_id) => {
  const { status, code, detail } = toProblem(error, request_id);
  const retry_after_s = error instanceof ErrandError ? error.retry_after_s : undefined;
  const is_lfs = response.req.url?.includes('/info/lfs/') === true;
  response
    .writeHead(status, {
      'content-type': is_lfs ? LFS_MEDIA_TYPE : 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'errand-error': code,
      // Git sends the token in its URL only after a challenge.
      ...(status === 401 && { 'www-authenticate': 'Basic realm="errand"' }),
      ...(retry_after_s !== undefined && { 'retry-after': String(retry_after_s) }),
    })
    .end(is_lfs ? JSON.stringify({ message: detail, request_id }) : `${code}: ${detail}\n`);
};
