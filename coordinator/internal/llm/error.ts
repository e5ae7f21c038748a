import type { ServerResponse } from 'node:http';
import { ErrandError, type ErrorCode } from '../../../protocol/problem.ts';
import type { ErrorWriter } from '../caller.ts';

type Type =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'billing_error'
  | 'permission_error'
  | 'not_found_error'
  | 'request_too_large'
  | 'rate_limit_error'
  | 'api_error';

/** An error of our own in the form of the Claude API, so that its clients understand it. `headers` go out with it. */
export class LlmError extends Error {
  override readonly name = 'LlmError';
  readonly status: number;
  readonly type: Type;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    type: Type,
    message: string,
    extra: { headers?: Record<string, string>; cause?: unknown } = {},
  ) {
    super(message, { cause: extra.cause });
    this.status = status;
    this.type = type;
    this.headers = extra.headers ?? {};
  }
}

/** The header that stops the SDK from asking again. */
export const NO_RETRY = { 'x-should-retry': 'false' };

/** Writes any error in the form of the Claude API. What is neither an `LlmError` nor an `ErrandError` is a 500 that says nothing of its cause. */
export const writeLlmError: ErrorWriter = (response: ServerResponse, error: unknown, request_id: string) => {
  const { status, type, message, headers } = error instanceof LlmError ? error : translate(error);
  const body = JSON.stringify({ type: 'error', error: { type, message }, request_id });
  response.writeHead(status, { ...headers, 'content-type': 'application/json', 'request-id': request_id }).end(body);
};

const TYPES: Partial<Record<ErrorCode, Type>> = {
  invalid: 'invalid_request_error',
  unauthenticated: 'authentication_error',
  forbidden: 'permission_error',
  not_found: 'not_found_error',
  too_large: 'request_too_large',
  rate_limited: 'rate_limit_error',
};

function translate(error: unknown): LlmError {
  if (!(error instanceof ErrandError)) return new LlmError(500, 'api_error', 'Something went wrong on the server.');
  const { code, status, message, retry_after_s } = error;
  // A client of the API would try a 409 again; an attempt that was given up never comes back.
  if (status === 409) return new LlmError(403, 'permission_error', message, { headers: NO_RETRY });
  const headers = retry_after_s === undefined ? {} : { 'retry-after': String(retry_after_s) };
  return new LlmError(status, TYPES[code] ?? 'api_error', message, { headers });
}
