import { ErrandError, toProblem } from '../../../protocol/problem.ts';
import type { ErrorWriter } from '../caller.ts';

/**
 * Answers git in plain text, since it prints that (as `remote: <code>: <words>`) and nothing else, and only when it asks for the refs. The header `errand-error` bears the
 * code for whoever can see headers. The status is never 401: git would ask for a password.
 */
export const writeGitError: ErrorWriter = (response, error, request_id) => {
  const { status, code, detail } = toProblem(error, request_id);
  const retry_after_s = error instanceof ErrandError ? error.retry_after_s : undefined;
  response
    .writeHead(status === 401 ? 403 : status, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'errand-error': code,
      ...(retry_after_s !== undefined && { 'retry-after': String(retry_after_s) }),
    })
    .end(`${code}: ${detail}\n`);
};
