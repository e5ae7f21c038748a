import { ErrandError } from '../../../protocol/problem.ts';
import { toProblem } from '../../../protocol/problem-document.ts';
import type { ErrorWriter } from '../caller.ts';

/**
 * Answers git in plain text, since that is what it prints, as `remote: <code>: <words>`, and only where it asked for the refs. The header
 * `errand-error` bears the code for whoever can see headers. 401 stands for the task's token alone; what a forge says of its own credential never
 * comes out as one, or git would ask for a password.
 */
export const writeGitError: ErrorWriter = (response, error, request_id) => {
  const { status, code, detail } = toProblem(error, request_id);
  const retry_after_s = error instanceof ErrandError ? error.retry_after_s : undefined;
  response
    .writeHead(status, {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'no-store',
      'errand-error': code,
      // Without a challenge git does not offer the token that it was given in the address.
      ...(status === 401 && { 'www-authenticate': 'Basic realm="errand"' }),
      ...(retry_after_s !== undefined && { 'retry-after': String(retry_after_s) }),
    })
    .end(`${code}: ${detail}\n`);
};
