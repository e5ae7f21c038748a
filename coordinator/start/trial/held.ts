import { setTimeout as delay } from 'node:timers/promises';
import { Unreachable } from '../../client/errors.ts';
import { send } from '../../client/http.ts';

const LOOK_MS = 500;
/** A fault that lasts longer does not pass by itself while somebody looks on. */
const HELD_MS = 5_000;

export type Times = { look_ms: number; held_ms: number };

/** Why a server starts no errand: its failed checks by name. */
type Faults = Map<string, string>;

/**
 * Looks whether a server starts errands. Resolves with why it does not, once that has been so for some seconds; with
 * undefined once it does, if `until_ready`. Rejects when the signal aborts.
 */
export async function whyHeld(
  url: string,
  signal: AbortSignal,
  { until_ready = false, look_ms = LOOK_MS, held_ms = HELD_MS }: Partial<Times> & { until_ready?: boolean } = {},
): Promise<Faults | undefined> {
  for (let since_ms: number | undefined; ; await delay(look_ms, undefined, { signal })) {
    const faults = await faultsOf(url, signal);
    if (faults === undefined && until_ready) return undefined;
    since_ms = faults === undefined ? undefined : (since_ms ?? performance.now());
    if (faults !== undefined && since_ms !== undefined && performance.now() - since_ms >= held_ms) return faults;
  }
}

async function faultsOf(url: string, signal: AbortSignal): Promise<Faults | undefined> {
  try {
    await send(url, 'readyz', {}, {}, signal);
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Unreachable) || error.errors.length === 0) throw error;
    return new Map(error.errors.map(({ field, message }) => [field.replace('/checks/', ''), message]));
  }
}
