import { AT_ITS_SERVER } from './at-its-server.ts';
import { IN_ITS_CALLS } from './in-its-calls.ts';
import { IN_ITS_QUESTIONS } from './in-its-questions.ts';
import { IN_ITS_WORK } from './in-its-work.ts';
import type { Mutant } from './mutant.ts';

/** Workers that break one rule each. The suite must detect each of them. */
export const MUTANTS: readonly Mutant[] = [...AT_ITS_SERVER, ...IN_ITS_CALLS, ...IN_ITS_QUESTIONS, ...IN_ITS_WORK];
