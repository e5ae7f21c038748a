import type { TaskRow } from '../domain/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import type { Db } from '../sqlite/database.ts';
import { findFollowUp, putFollowUp, sendItems } from '../sqlite/follow-ups.ts';
import { listOpenNeeds } from '../sqlite/needs.ts';
import { repositoryAt } from './require-repository.ts';

/**
 * Whether a task waits for a decision of its person that a message would answer or overtake. What a forge says of its
 * pull request has to wait until then.
 */
export function waitsForPerson(db: Db, { id, status }: Pick<TaskRow, 'id' | 'status'>): boolean {
  if (status === 'parked') return true;
  return listOpenNeeds(db, id).some(({ kind }) => kind === 'question' || kind === 'push' || kind === 'budget');
}

/**
 * The person wants the task to go on with its pull request. It may go on by itself again, and gets what has waited for
 * them; it gets that later if it waits for another decision of theirs. `send` gives the task a message, and returns its
 * id. Returns the last message; null: none was sent.
 */
export function releaseFollowUps(tx: Tx, task: TaskRow, send: (text: string) => string): string | null {
  const { waiting } = findFollowUp(tx.db, task.id);
  const waits = waitsForPerson(tx.db, task);
  putFollowUp(tx.db, task.id, { rounds: 0, stopped: false, waiting: waits ? waiting : [] });
  return waits ? null : sendTexts(tx, task, waiting, send);
}

/** Sends what has waited, with the items that are in it. Returns the last message; null: there is none. */
export function sendTexts(
  tx: Tx,
  task: TaskRow,
  texts: readonly string[],
  send: (text: string) => string,
): string | null {
  const message_id = texts.map(send).at(-1) ?? null;
  if (message_id !== null)
    sendItems(tx.db, task.id, message_id, (repo_url) => repositoryAt(tx.db, task, repo_url).result?.commit ?? null);
  return message_id;
}
