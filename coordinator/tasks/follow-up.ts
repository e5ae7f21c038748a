import type { TaskRow } from '../domain/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { findFollowUp, putFollowUp, sendItems } from '../sqlite/follow-ups.ts';
import { repositoryAt } from './require-repository.ts';

/**
 * The person wants the task to go on with its pull request: it gets what has waited for them, and may go on by itself
 * again. `send` gives the task a message, and returns its id. Returns the last message; null: nothing has waited.
 */
export function releaseFollowUps(tx: Tx, task: TaskRow, send: (text: string) => string): string | null {
  const { waiting } = findFollowUp(tx.db, task.id);
  putFollowUp(tx.db, task.id, { rounds: 0, stopped: false, waiting: [] });
  const message_id = waiting.map(send).at(-1) ?? null;
  if (message_id !== null)
    sendItems(tx.db, task.id, message_id, (repo_url) => repositoryAt(tx.db, task, repo_url).result?.commit ?? null);
  return message_id;
}
