import type { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { newestEventId } from '../../../coordinator/sqlite/events.ts';
import { listWaitingMessages, markMessageTakenIn } from '../../../coordinator/sqlite/messages.ts';
import { updateResult } from '../../../coordinator/sqlite/progress.ts';
import { endTask, runTask, taskOf } from '../fixtures.ts';

const NO_CHANGES = { files: 0, insertions: 0, deletions: 0 };

/** `branch`: the one that has the commit, by default the task's. `is_own`: whether a worker has pushed it there. */
export type Where = { branch?: string; is_own?: boolean };

/** A worker takes a task up, unless it has, with all its messages, and ends it. */
export function doWork(
  log: EventLog,
  task_id: string,
  { summary, commit, branch, is_own = true }: Where & { summary: string; commit: string | null },
): void {
  if (taskOf(log, task_id).status === 'queued') runTask(log, task_id);
  if (commit !== null && is_own) tellPush(log, task_id, commit);
  const at = new Date().toISOString();
  log.write(({ db }) => {
    for (const { id } of listWaitingMessages(db, task_id)) markMessageTakenIn(db, task_id, id, at);
    const place = { branch: commit === null ? null : (branch ?? taskOf(log, task_id).branch), commit };
    updateResult(db, task_id, { summary, ...place, base_commit: null, diff_stat: NO_CHANGES }, at);
  });
  endTask(log, task_id);
}

/** A worker says that it has pushed a commit to a repository of its task: by default the first. */
export function tellPush(log: EventLog, task_id: string, commit: string, repository?: string): void {
  const { user_id, attempt, branch } = taskOf(log, task_id);
  const body = { branch, commit, wip: false, diff_stat: NO_CHANGES, ...(repository !== undefined && { repository }) };
  const row = { task_id, user_id, attempt, type: 'branch.pushed', at: new Date().toISOString() };
  log.write((tx) => tx.append({ ...row, seq: newestEventId(tx.db) + 1, body: JSON.stringify(body) }));
}
