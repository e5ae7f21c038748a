import { setTimeout as delay } from 'node:timers/promises';
import { Unreachable } from '../../client/errors.ts';
import { send } from '../../client/http.ts';

const LOOK_MS = 500;
/** A fault that lasts longer does not pass by itself while somebody looks on. */
const HELD_MS = 5_000;

type Times = { look_ms: number; held_ms: number };

/** Why a server starts no errand: its failed checks by name. */
type Faults = Map<string, string>;

type Options = Partial<Times> & {
  /** Whether to stop at the first look that finds no fault. */
  until_ready?: boolean;
  /** Whether there is still something to start: once there is not, a fault holds nothing. */
  waits?: () => Promise<boolean>;
};

/**
 * Looks whether a server starts errands. Resolves with why it does not, once that has been so for some seconds; with
 * undefined if that holds nothing. A look without an answer says nothing. Rejects when the signal aborts.
 */
export async function whyHeld(
  url: string,
  signal: AbortSignal,
  { until_ready = false, waits, look_ms = LOOK_MS, held_ms = HELD_MS }: Options = {},
): Promise<Faults | undefined> {
  for (let since_ms: number | undefined; ; await delay(look_ms, undefined, { signal })) {
    const faults = await faultsOf(url, signal);
    if (until_ready && !faults?.size) return undefined;
    if (!faults) continue;
    since_ms = faults.size === 0 ? undefined : (since_ms ?? performance.now());
    if (since_ms === undefined || performance.now() - since_ms < held_ms) continue;
    return (await waits?.()) === false ? undefined : faults;
  }
}

/** Undefined: the server did not answer. */
async function faultsOf(url: string, signal: AbortSignal): Promise<Faults | undefined> {
  try {
    await send(url, 'readyz', {}, {}, signal);
    return new Map();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Unreachable)) throw error;
    if (error.errors.length === 0) return undefined;
    return new Map(error.errors.map(({ field, message }) => [field.replace('/checks/', ''), message]));
  }
}
