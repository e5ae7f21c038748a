import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for `work`, but no longer than `ms`. Resolves with its value, or with undefined on timeout; the work itself
 * continues. Rejects with the work's own error.
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const settled = new AbortController();
  const late = delay(ms, undefined, { signal: settled.signal }).catch(() => undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    settled.abort();
  }
}

/** Resolves once the signal has aborted. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
