import { setTimeout as delay } from 'node:timers/promises';

/** The wait after the first failure, and the longest one, in milliseconds. */
export type BackoffTimes = { first_ms: number; max_ms: number };

/** Exponential backoff: each wait is twice the one before, up to a maximum. */
export class Backoff {
  readonly #times: BackoffTimes;
  #next_ms: number;

  constructor(times: BackoffTimes) {
    this.#times = times;
    this.#next_ms = times.first_ms;
  }

  /** How long to wait now, in milliseconds. */
  next(): number {
    const wait_ms = this.#next_ms;
    this.#next_ms = Math.min(wait_ms * 2, this.#times.max_ms);
    return wait_ms;
  }

  /** Goes back to the first wait. Call it when the work has succeeded. */
  reset(): void {
    this.#next_ms = this.#times.first_ms;
  }

  /** Waits for `next()` milliseconds, or until the signal aborts. Does not keep the process alive. Never rejects. */
  async wait(signal?: AbortSignal): Promise<void> {
    await delay(this.next(), undefined, { ref: false, ...(signal && { signal }) }).catch(() => undefined);
  }
}

export type RetryOptions = BackoffTimes & {
  /** Stops retrying. */
  signal: AbortSignal;
  /** Called with each failure. */
  onFailure: (error: unknown) => void;
};

/** Runs `work` until it succeeds or the signal aborts, with backoff. Never rejects. */
export async function retry(
  work: () => void | Promise<void>,
  { first_ms, max_ms, signal, onFailure }: RetryOptions,
): Promise<void> {
  const backoff = new Backoff({ first_ms, max_ms });
  while (!signal.aborted) {
    try {
      return await work();
    } catch (error) {
      onFailure(error);
    }
    await backoff.wait(signal);
  }
}

/** The longest wait: forges limit their callers for up to a day. A later time was set by a clock that was ahead. */
export const WAIT_MS_MAX = 25 * 3600_000;

/** Whether something that is put off until then has to wait at `now`. Both are milliseconds since 1970. */
export function hasToWait(until: number, now: number): boolean {
  return until > now && until <= now + WAIT_MS_MAX;
}

/**
 * When to try again what has failed and is kept in the database, in milliseconds since 1970: each wait is four times
 * the one before, up to a maximum. `tries`: how many had failed before. `not_before`: the other side asks to wait until
 * then.
 */
export function nextTryAt(
  { first_ms, max_ms }: BackoffTimes,
  { tries, now, not_before = 0 }: { tries: number; now: number; not_before?: number | undefined },
): number {
  return Math.max(now + Math.min(first_ms * 4 ** tries, max_ms), not_before);
}
