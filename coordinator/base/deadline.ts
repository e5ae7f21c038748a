import { setTimeout as delay } from 'node:timers/promises';

/**
 * Waits for `work`, but no longer than `ms`. Resolves with its value, or with undefined on timeout; the work itself
 * continues. Rejects with the work's own error.
 */
export async function within<T>(ms: number, work: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, ms, undefined);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves once the signal has aborted. */
export function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** Resolves after `ms`. Rejects with the reason of the signal, which tells a timeout from other ends. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return delay(ms);
  await delay(ms, undefined, { signal }).catch(() => signal.throwIfAborted());
}
