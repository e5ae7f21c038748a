import { fileURLToPath } from 'node:url';
import type { Step } from '../support/scripted-worker.ts';
import type { Prompts } from './worker-calls.ts';

const script = (...steps: Step[]) => JSON.stringify(steps);

/** The entry of the scripted worker. */
export const SCRIPTED_WORKER = fileURLToPath(new URL('../support/scripted-worker.ts', import.meta.url));

/** The tasks of the suite for the scripted worker. */
export const SCRIPTED_PROMPTS: Prompts = {
  short: script({ hear: true }, { emit: 300 }, { write: 'a.txt', text: 'a\n' }),
  long: script({ emit: 5, prefix: 'long ' }, { write: 'half.txt', text: 'half\n' }, { wait: true }),
  asks: script({ ask: 'May it go on?' }, { write: 'a.txt', text: 'a\n' }),
  noisy: script({ emit: 2_000, prefix: 'noise '.repeat(100) }),
};
