import { sleep } from './sleep.ts';

export type Backoff = { first_ms: number; max_ms: number };

/**
 * How long to wait after the given number of failures in a row, counted from 1. Doubles from `first_ms` to `max_ms`;
 * up to half of it is taken off at random, so that workers do not retry in step.
 */
export function backoffMs({ first_ms, max_ms }: Backoff, failures: number): number {
  const full_ms = Math.min(first_ms * 2 ** Math.min(failures - 1, 30), max_ms);
  return full_ms * (0.5 + Math.random() / 2);
}

/** Called after each failure: how long to wait before the next try, in milliseconds, or null to give up. */
export type RetryDelay = (error: unknown, failures: number) => number | null | Promise<number | null>;

/**
 * Repeats a call until it succeeds. Rejects with the call's error once `delayMs` gives null, with whatever `delayMs`
 * throws, or with the signal's reason when it aborts.
 */
export async function retry<T>(call: () => Promise<T>, delayMs: RetryDelay, signal: AbortSignal): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      const ms = await delayMs(error, failures);
      if (ms === null) throw error;
      await sleep(ms, signal);
    }
  }
}
