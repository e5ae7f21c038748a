import { setTimeout as delay } from 'node:timers/promises';

/** Waits until `condition` holds, and gives what it gave; fails after `within_ms` with `what`. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  within_ms = 20_000,
): Promise<Exclude<T, false | undefined | null>> {
  const end = performance.now() + within_ms;
  for (;;) {
    const value = await condition();
    // What is left of T is not what means no.
    if (value !== false && value !== undefined && value !== null) return value as Exclude<T, false | undefined | null>;
    if (performance.now() > end) throw new Error(`It did not come about within ${within_ms} ms: ${what}.`);
    await delay(10);
  }
}
