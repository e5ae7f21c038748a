import { setTimeout as delay } from 'node:timers/promises';

/** Polls `condition` until it returns something other than false, undefined and null; rejects after `within_ms`. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  within_ms = 20_000,
): Promise<Exclude<T, false | undefined | null>> {
  const end = performance.now() + within_ms;
  for (;;) {
    const value = await condition();
    // T without the values that mean "not yet".
    if (value !== false && value !== undefined && value !== null) return value as Exclude<T, false | undefined | null>;
    if (performance.now() > end) throw new Error(`Timed out after ${within_ms} ms: ${what}.`);
    await delay(10);
  }
}
