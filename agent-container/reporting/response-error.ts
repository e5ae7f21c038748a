import { ErrandError, type ErrorCode } from '../../protocol/problem.ts';
import { Problem } from '../../protocol/problem-document.ts';

/** The parts of an HTTP response that its error is made from. */
type ErrorResponse = { status: number; retry_after: unknown; text: string };

/**
 * The error of a response that is not 2xx: that of its problem document, or one chosen by its status if there is none
 * (a proxy answered, or a newer coordinator whose error code this worker does not know).
 */
export function errorOfResponse(callback: string, { status, retry_after, text }: ErrorResponse): ErrandError {
  const seconds = Number(retry_after);
  const retry = Number.isFinite(seconds) && seconds > 0 ? { retry_after_s: seconds } : {};
  const problem = parseProblem(text);
  if (problem === undefined)
    return new ErrandError(codeForStatus(status), `The coordinator answered ${callback} with ${status}.`, retry);
  return new ErrandError(problem.code, problem.detail ?? problem.title, {
    ...retry,
    ...(problem.errors && { errors: problem.errors }),
    ...(problem.expected_seq !== undefined && { expected_seq: problem.expected_seq }),
  });
}

function parseProblem(text: string): Problem | undefined {
  try {
    return Problem.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function codeForStatus(status: number): ErrorCode {
  switch (status) {
    case 400:
      return 'invalid';
    case 401:
      return 'unauthenticated';
    case 404:
      return 'not_found';
    case 413:
      return 'too_large';
    case 429:
      return 'rate_limited';
    case 502:
    case 503:
    case 504:
      return 'unavailable';
    default:
      return status >= 500 ? 'internal' : 'forbidden';
  }
}
