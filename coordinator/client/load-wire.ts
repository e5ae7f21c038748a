import { Incomplete } from './errors.ts';
import type * as wire from './wire.ts';

/**
 * Loads what speaks with a server. Rejects with `Incomplete` if the app is not whole on the device, and cannot be
 * loaded.
 */
export function loadWire(): Promise<typeof wire> {
  return import('./wire.ts').catch(incomplete);
}

/** What a part that could not be loaded rejects with. */
export function incomplete(cause: unknown): never {
  throw new Incomplete('A part of the app could not be loaded.', { cause });
}
