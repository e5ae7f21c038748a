import { setTimeout as delay } from 'node:timers/promises';

const FIRST_MS = 10;
/** Many conditions ask a server: asked too often, they take the CPU that they wait for. */
const LATER_MS = 100;
/**
 * Not a bound of what is tested: many tests run side by side on few cores. Below the shortest bound of a test, so that
 * it fails with what it waited for.
 */
export const WITHIN_MS = 50_000;

/**
 * Polls `condition` until it returns something other than false, undefined and null; rejects after `within_ms`. The
 * longer it takes, the less often it asks.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  within_ms = WITHIN_MS,
): Promise<Exclude<T, false | undefined | null>> {
  const end = performance.now() + within_ms;
  for (let wait_ms = FIRST_MS; ; wait_ms = Math.min(wait_ms * 1.2, LATER_MS)) {
    const value = await condition();
    // T without the values that mean "not yet".
    if (value !== false && value !== undefined && value !== null) return value as Exclude<T, false | undefined | null>;
    if (performance.now() > end) throw new Error(`Timed out after ${within_ms} ms: ${what}.`);
    await delay(wait_ms);
  }
}
