import { endAttempt } from '../advance.ts';
import { Log } from '../log.ts';
import { listLivingAttempts } from '../sqlite/attempts.ts';
import { beginNewHistory } from '../sqlite/copy.ts';
import { openDatabase } from '../sqlite/database.ts';
import { findTask } from '../sqlite/tasks.ts';

/**
 * Makes a backup's database ready to be served, in one transaction, and brought to the newest schema: it becomes the beginning of another history.
 * Attempts that were under way when it was taken are given up, for their workers belong to the history of before; their tasks go on in new ones.
 * `taken_at` is an ISO time. Gives how many tasks go on.
 */
export function renew(path: string, taken_at: string): number {
  const db = openDatabase(path);
  try {
    return new Log(db, () => undefined).write((tx) => {
      const at = new Date().toISOString();
      const detail = `The server was restored from a backup of ${taken_at}.`;
      let going_on = 0;
      for (const { task_id, n } of listLivingAttempts(tx.db)) {
        const task = findTask(tx.db, task_id);
        const next = task && endAttempt(tx, task, n, { status: 'failed', reason: 'worker_lost', detail, at });
        if (next?.status === 'queued') going_on += 1;
      }
      beginNewHistory(tx.db);
      return going_on;
    });
  } finally {
    db.close();
  }
}
