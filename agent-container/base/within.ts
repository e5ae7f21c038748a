import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for a promise for at most `ms` milliseconds. Resolves with undefined if it takes longer; leaves no timer
 * behind.
 */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const settled = new AbortController();
  try {
    return await Promise.race([promise, delay(ms, undefined, { signal: settled.signal })]);
  } finally {
    settled.abort();
  }
}
