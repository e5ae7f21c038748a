import { z } from 'zod';
import { ErrandError, ErrorCode, FieldError, Reasoned } from './problem.ts';

/*
 * Errors in HTTP responses. Only code at the edge imports this: all other code throws error codes and knows no status.
 */

/** The HTTP status of each error code. */
export const ERROR_STATUS: Readonly<Record<ErrorCode, number>> = {
  invalid: 400,
  unauthenticated: 401,
  wrong_credentials: 401,
  refresh_reused: 401,
  setup_code_wrong: 403,
  signup_closed: 403,
  link_invalid: 403,
  account_blocked: 403,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  email_taken: 409,
  idempotency_conflict: 409,
  stale_attempt: 409,
  attempt_ended: 409,
  events_missing: 409,
  event_conflict: 409,
  log_full: 409,
  too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal: 500,
  upstream_unreachable: 502,
  unavailable: 503,
};

/** A problem document (RFC 9457), served as `application/problem+json`. */
export const Problem = z.object({
  type: z.string().describe('`urn:errand:problem:<code>`'),
  title: z.string(),
  status: z.number().int(),
  code: ErrorCode,
  detail: z.string().optional(),
  ...Reasoned.shape,
  errors: z.array(FieldError).optional(),
  expected_seq: z.number().int().optional().describe('with `events_missing`: the `seq` that comes next'),
  request_id: z.string().optional().describe("finds the entry with the cause in the server's log"),
});
export type Problem = z.infer<typeof Problem>;

/**
 * Makes the problem document of an error. An error that is not an `ErrandError` becomes `internal`, without its cause.
 */
export function toProblem(error: unknown, request_id?: string): Problem {
  const known =
    error instanceof ErrandError ? error : new ErrandError('internal', 'Something went wrong on the server.');
  return {
    type: `urn:errand:problem:${known.code}`,
    title: known.code.replaceAll('_', ' '),
    status: ERROR_STATUS[known.code],
    code: known.code,
    detail: known.message,
    ...(known.reason && { reason: known.reason, params: known.params ?? {} }),
    ...(known.errors && { errors: known.errors }),
    ...(known.expected_seq !== undefined && { expected_seq: known.expected_seq }),
    ...(request_id !== undefined && { request_id }),
  };
}
