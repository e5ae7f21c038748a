import { fileURLToPath } from 'node:url';
import { startCalls } from '../programs.ts';
import type { Load, Measure } from './load.ts';

/** Starts the process of the load. Returns the function that runs one. */
export function startLoad(stack: AsyncDisposableStack): (load: Load) => Promise<Measure> {
  return startCalls(stack, fileURLToPath(new URL('./load.ts', import.meta.url)));
}
