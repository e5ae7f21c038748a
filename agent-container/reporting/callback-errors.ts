import { setTimeout as sleep } from 'node:timers/promises';
import { ErrandError } from '../../protocol/problem.ts';

/** What the worker does about a callback that failed: the table "Who retries what" of the contract. */
export type Verdict = 'again' | 'malformed' | 'token' | 'missing' | 'ended' | 'over';

const BACKOFF_FIRST_MS = 100;
const BACKOFF_MAX_MS = 5_000;
const RETRY_AFTER_MAX_MS = 60_000;

/** What an error of `CoordinatorClient` means. `over`: stop at once, push nothing. What is no `ErrandError` is a fault of ours, and over too. */
export function verdictOf(error: unknown): Verdict {
  if (!(error instanceof ErrandError)) return 'over';
  switch (error.code) {
    case 'upstream_unreachable':
    case 'unavailable':
    case 'rate_limited':
    case 'internal':
      return 'again';
    case 'invalid':
    case 'too_large':
      return 'malformed';
    case 'unauthenticated':
      return 'token';
    case 'events_missing':
      return 'missing';
    case 'attempt_ended':
      return 'ended';
    default:
      return 'over';
  }
}

/** How long to wait before the next try: from 100 ms to 5 s, with jitter; longer where the answer says so. `tries` counts those that failed. */
export function backoffMs(tries: number, error: unknown): number {
  const step = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(tries - 1, 10), BACKOFF_MAX_MS);
  const asked = error instanceof ErrandError ? (error.retry_after_s ?? 0) * 1000 : 0;
  return Math.max(step * (0.5 + Math.random() / 2), Math.min(asked, RETRY_AFTER_MAX_MS));
}

/** Makes a call again until it was answered; throws what is not worth another try, and whatever the signal aborts with. */
export async function untilAnswered<T>(call: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      if (verdictOf(error) !== 'again') throw error;
      await sleep(backoffMs(tries, error), undefined, { signal });
    }
  }
}
