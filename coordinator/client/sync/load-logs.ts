import { incomplete } from '../load-wire.ts';
import type * as logs from './logs.ts';

/** Loads what reads the logs of errands, which a list does without. Rejects with `Incomplete` as `loadWire` does. */
export function loadLogs(): Promise<typeof logs> {
  return import('./logs.ts').catch(incomplete);
}
