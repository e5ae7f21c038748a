import { ErrandError } from '../../protocol/problem.ts';
import { backoffMs, retry, type RetryDelay } from '../base/retry.ts';

/**
 * What an error of a callback means, by the table "Who retries what" of the contract.
 *
 * - `transient`: the same call may succeed later.
 * - `malformed`: the coordinator will never accept this body.
 * - `token_invalid`: the token has expired; a heartbeat brings a new one.
 * - `events_missing`: the coordinator expects an earlier event; the error says which.
 * - `attempt_ended`: the coordinator already has the result of this attempt.
 * - `fatal`: the attempt is lost. Stop at once, push nothing.
 */
type CallbackError = 'transient' | 'malformed' | 'token_invalid' | 'events_missing' | 'attempt_ended' | 'fatal';

const BACKOFF = { first_ms: 100, max_ms: 5_000 };
const RETRY_AFTER_MAX_MS = 60_000;

/** Classifies an error of `CoordinatorClient`. Anything that is no `ErrandError` is a bug of the worker, and fatal. */
export function classifyCallbackError(error: unknown): CallbackError {
  if (!(error instanceof ErrandError)) return 'fatal';
  switch (error.code) {
    case 'upstream_unreachable':
    case 'unavailable':
    case 'rate_limited':
    case 'internal':
      return 'transient';
    case 'invalid':
    case 'too_large':
      return 'malformed';
    case 'unauthenticated':
      return 'token_invalid';
    case 'events_missing':
      return 'events_missing';
    case 'attempt_ended':
      return 'attempt_ended';
    default:
      return 'fatal';
  }
}

/** Whether what a call was refused for is in one of these parts of its body, such as `/deltas`, and nowhere else. */
export function isOnlyAbout(error: unknown, ...parts: string[]): boolean {
  const fields = error instanceof ErrandError ? (error.errors ?? []).map(({ field }) => field) : [];
  return fields.length > 0 && fields.every((field) => parts.some((part) => `${field}/`.startsWith(`${part}/`)));
}

/** Backoff from 100 ms to 5 s; longer where `Retry-After` asks for it. Null: not worth a retry. */
export const callbackDelayMs = ((error, failures) => {
  if (classifyCallbackError(error) !== 'transient') return null;
  const retry_after_ms = error instanceof ErrandError ? (error.retry_after_s ?? 0) * 1000 : 0;
  return Math.max(backoffMs(BACKOFF, failures), Math.min(retry_after_ms, RETRY_AFTER_MAX_MS));
}) satisfies RetryDelay;

/** Repeats a callback until the coordinator answers. Throws any error that is not transient. */
export function retryCallback<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return retry(call, callbackDelayMs, signal);
}
