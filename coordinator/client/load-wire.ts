import { Incomplete } from './errors.ts';
import type * as logs from './sync/logs.ts';
import type * as wire from './wire.ts';

/**
 * Loads what speaks with a server. Rejects with `Incomplete` if the app is not whole on the device, and cannot be
 * loaded.
 */
export function loadWire(): Promise<typeof wire> {
  return import('./wire.ts').catch(incomplete);
}

/** Loads what reads the logs of errands, which a list does without. Rejects with `Incomplete` as `loadWire` does. */
export function loadLogs(): Promise<typeof logs> {
  return import('./sync/logs.ts').catch(incomplete);
}

function incomplete(cause: unknown): never {
  throw new Incomplete('A part of the app could not be loaded.', { cause });
}
