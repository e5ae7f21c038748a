import { endAttempt } from '../../tasks/advance.ts';
import { createLogger } from '../../base/logger.ts';
import { EventLog, type Tx } from '../../sqlite/event-log.ts';
import { listActiveAttempts } from '../../sqlite/attempts.ts';
import { beginNewHistory, makeOneFile } from '../../sqlite/copy.ts';
import { openDatabase } from '../../sqlite/database.ts';
import { deleteOpenRequest, listOpenRequests } from '../../sqlite/open-requests.ts';
import { findTask } from '../../sqlite/tasks.ts';
import { addUsage } from '../../sqlite/usage.ts';

/**
 * Makes a backup's database ready to be served, in one transaction, and brought to the newest schema: it becomes the beginning of another history,
 * all of it in the one file.
 * Attempts that were under way when it was taken are given up, for their workers belong to the history of before; their tasks go on in new ones.
 * `taken_at` is an ISO time. Gives how many tasks go on.
 */
export function renew(path: string, taken_at: string): number {
  const db = openDatabase(path);
  try {
    const going_on = new EventLog({ db, logger: createLogger('silent') }).write((tx) => {
      const at = new Date().toISOString();
      const detail = `The server was restored from a backup of ${taken_at}.`;
      bookOpenRequests(tx, at);
      let going_on = 0;
      for (const { task_id, n } of listActiveAttempts(tx.db)) {
        const task = findTask(tx.db, task_id);
        const next = task && endAttempt(tx, task, n, { status: 'failed', reason: 'worker_lost', detail, at });
        if (next?.status === 'queued') going_on += 1;
      }
      beginNewHistory(tx.db);
      return going_on;
    });
    makeOneFile(db);
    return going_on;
  } finally {
    db.close();
  }
}

/**
 * Model requests that were under way are booked at their prompt, which is charged for in any case. What came of them belongs to the history of
 * before, as does all that was spent since: a server that found them at its start would take them to have gone on until then.
 */
function bookOpenRequests(tx: Tx, at: string): void {
  for (const request of listOpenRequests(tx.db)) {
    const { id, task_id, user_id, attempt, model, input_tokens, cache_write_tokens, cache_read_tokens } = request;
    deleteOpenRequest(tx.db, id);
    const prompt = { input_tokens, cache_write_tokens, cache_read_tokens, output_tokens: 0 };
    const usage = addUsage(tx.db, task_id, { requests: 1, ...prompt, cost_usd: request.prompt_usd }, at);
    if (usage) tx.note({ id: task_id, user_id, attempt }, { type: 'usage.updated', body: { model, usage } }, at);
  }
}
