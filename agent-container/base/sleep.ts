import { setTimeout as delay } from 'node:timers/promises';

/** The longest delay of a timer: a longer one would end at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** Waits `ms` milliseconds. Rejects with the signal's reason when it aborts. */
export async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
