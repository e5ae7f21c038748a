import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { wordsForDamage } from './data-folder.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Logger } from '../base/logger.ts';

const PROGRAM = fileURLToPath(new URL('../sqlite/check-process.ts', import.meta.url));
const CHECK_MS_MAX = 60 * 60 * 1000;

/**
 * Checks a database beside the server, which serves meanwhile: what is there can be read, but where it is damaged no new work is started. Gives
 * the function that breaks it off.
 */
export function checkBeside(database_path: string, gate: DispatchGate, logger: Logger): () => void {
  logger.warn({ database: database_path }, 'the last server did not end in order: its database is being checked');
  const stopped = new AbortController();
  const options = { signal: stopped.signal, timeout: CHECK_MS_MAX };
  execFile(process.execPath, [PROGRAM, database_path], options, (error, damage) => {
    if (stopped.signal.aborted) return;
    if (error) logger.error({ err: error }, 'the database could not be checked');
    else if (damage === '') logger.info({ database: database_path }, 'the database is whole');
    else gate.set('database', wordsForDamage(database_path, damage));
  });
  return () => stopped.abort();
}
