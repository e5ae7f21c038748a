import { createLogger } from '../../base/logger.ts';
import { listActiveAttempts } from '../../sqlite/attempts.ts';
import { beginNewHistory, makeOneFile } from '../../sqlite/copy.ts';
import { openDatabase } from '../../sqlite/open-database.ts';
import { EventLog, type Tx } from '../../sqlite/event-log.ts';
import { deleteOpenRequest, listOpenRequests } from '../../sqlite/open-requests.ts';
import { readQueue } from '../../sqlite/stats.ts';
import { addSpending } from '../../sqlite/spending.ts';
import { addDaySpending } from '../../sqlite/spending-days.ts';
import { findTask } from '../../sqlite/tasks.ts';
import { addUsage } from '../../sqlite/usage.ts';
import { endAttempt } from '../../tasks/advance.ts';
import { dayOf, monthOf } from '../../tasks/spending-caps.ts';
import { findKeptWorkspaces } from './kept-workspaces.ts';
import { endLostWork, type LostWork } from './lost-work.ts';

/**
 * Prepares the database of a backup for a server: migrates it, and gives it a new epoch in one transaction. Everything
 * is in the one file then. Returns the number of tasks that were requeued, that of all in the queue, and what is lost.
 *
 * Attempts that ran when the backup was taken (`taken_at`, an ISO time) fail: their workers belong to the old epoch.
 * `data_dir`: where the workspaces of tasks are, if they are still there.
 */
export function startNewEpoch(
  path: string,
  taken_at: string,
  data_dir: string,
): { requeued: number; queued: number; lost_work: LostWork[] } {
  const db = openDatabase(path);
  try {
    const done = new EventLog({ db, logger: createLogger('silent') }).write((tx) => {
      const at = new Date().toISOString();
      const detail = `The server was restored from a backup of ${taken_at}.`;
      chargeOpenRequests(tx, at);
      // Before the attempts that were under way are ended.
      const kept = findKeptWorkspaces(tx.db, data_dir);
      let requeued = 0;
      for (const { task_id, n } of listActiveAttempts(tx.db)) {
        const task = findTask(tx.db, task_id);
        const next = task && endAttempt(tx, task, n, { status: 'failed', reason: 'worker_lost', detail, at });
        if (next?.status === 'queued') requeued += 1;
      }
      const lost_work = endLostWork(tx, new Set(kept), at);
      beginNewHistory(tx.db, kept);
      return { requeued, queued: readQueue(tx.db).n, lost_work };
    });
    makeOneFile(db);
    return done;
  } finally {
    db.close();
  }
}

/**
 * Charges model requests that were open for their prompt, which costs in any case. How they ended is not in the backup.
 * Left open, the server would assume at its start that they had run until then.
 */
function chargeOpenRequests(tx: Tx, at: string): void {
  for (const request of listOpenRequests(tx.db)) {
    const { id, task_id, user_id, attempt, model, input_tokens, cache_write_tokens, cache_read_tokens } = request;
    deleteOpenRequest(tx.db, id);
    const prompt = { input_tokens, cache_write_tokens, cache_read_tokens, output_tokens: 0 };
    const cost_usd = request.prompt_usd;
    const usage = addUsage(tx.db, task_id, { requests: 1, ...prompt, cost_usd }, at);
    if (cost_usd > 0) {
      addSpending(tx.db, user_id, monthOf(Date.parse(at)), cost_usd);
      addDaySpending(tx.db, dayOf(Date.parse(at)), cost_usd);
    }
    if (usage) tx.note({ id: task_id, user_id, attempt }, { type: 'usage.updated', body: { model, usage } }, at);
  }
}
