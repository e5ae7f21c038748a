import { ErrandError, type ErrorCode } from '../../../protocol/problem.ts';
import { toProblem } from '../../../protocol/problem-document.ts';
import { BUDGET_HEADER, BUDGET_RESERVED_HEADER } from '../../../protocol/budget-headers.ts';
import type { ErrorWriter } from '../caller.ts';
import { SpendingCapReached } from '../../tasks/spending-caps.ts';

/**
 * The task's budget cannot pay for its next request. `left_usd`: the unspent budget in US dollars, which is sent to
 * the worker.
 */
export class BudgetSpent extends ErrandError {
  readonly left_usd: number;

  constructor(message: string, left_usd: number) {
    super('rate_limited', message);
    this.left_usd = left_usd;
  }
}

/** The Claude API's error types by Errand's codes. Every other code becomes `api_error`. */
const TYPES: Partial<Record<ErrorCode, string>> = {
  invalid: 'invalid_request_error',
  unsupported_media_type: 'invalid_request_error',
  unauthenticated: 'authentication_error',
  forbidden: 'permission_error',
  stale_attempt: 'permission_error',
  attempt_ended: 'permission_error',
  not_found: 'not_found_error',
  too_large: 'request_too_large',
  rate_limited: 'rate_limit_error',
};

/**
 * Writes an error in the format of the Claude API, so that its clients understand it. They retry after a 409 or 429,
 * which is useless for an ended attempt or a spent budget. They do not retry after a 401, but a task token may merely
 * have expired, and the next heartbeat renews it. So `x-should-retry` says what is right in both cases.
 */
export const writeLlmError: ErrorWriter = (response, error, request_id) => {
  const { status, code, detail: message } = toProblem(error);
  const spent = error instanceof BudgetSpent;
  // The worker gives its place back, and the task waits for the end of the month.
  const is_capped = error instanceof SpendingCapReached;
  const retry_after_s = error instanceof ErrandError ? error.retry_after_s : undefined;
  const type = spent ? 'billing_error' : (TYPES[code] ?? 'api_error');
  response
    .writeHead(status === 409 ? 403 : status, {
      'content-type': 'application/json',
      'request-id': request_id,
      ...((spent || is_capped || status === 409) && { 'x-should-retry': 'false' }),
      ...(status === 401 && { 'x-should-retry': 'true' }),
      ...(spent && remaining(error.left_usd)),
      ...(retry_after_s !== undefined && { 'retry-after': String(retry_after_s) }),
    })
    .end(JSON.stringify({ type: 'error', error: { type, message }, request_id }));
};

/** The headers that tell a worker the unspent budget of its task, and how much of it is reserved. */
export function remaining(left_usd: number, reserved_usd = 0): Record<string, string> {
  return {
    [BUDGET_HEADER]: Math.max(0, left_usd).toFixed(4),
    [BUDGET_RESERVED_HEADER]: Math.max(0, reserved_usd).toFixed(4),
  };
}
