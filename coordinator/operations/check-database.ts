import { execFile } from 'node:child_process';
import { damageMessage } from './data-folder.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Logger } from '../base/logger.ts';
import { sourcePath } from '../base/source-path.ts';

const PROGRAM = sourcePath('coordinator/sqlite/check-process.ts');
const CHECK_MS_MAX = 60 * 60 * 1000;

/**
 * Checks the database in a process of its own while the server runs. If it is damaged, dispatch stops; reads still
 * work. Returns the function that aborts the check.
 */
export function checkInBackground(database_path: string, gate: DispatchGate, logger: Logger): () => void {
  logger.warn({ database: database_path }, 'unclean shutdown; database check started');
  const stopped = new AbortController();
  const options = { signal: stopped.signal, timeout: CHECK_MS_MAX };
  execFile(process.execPath, [PROGRAM, database_path], options, (error, damage) => {
    if (stopped.signal.aborted) return;
    if (error) logger.error({ err: error }, 'database check failed');
    else if (damage === '') logger.info({ database: database_path }, 'database check passed');
    else gate.set('database', damageMessage(database_path, damage));
  });
  return () => stopped.abort();
}
