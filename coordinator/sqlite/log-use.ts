import { sql, type Db } from './database.ts';

/* What ended tasks take: the events of their attempts, by the sizes that are kept with those, messages and diffs. */

/** A task that has ended, and what it takes. A message is kept twice: in its table, and as an event. */
export type EndedTask = { id: string; user_id: string; ended_at: string; bytes: number };

const endedIn = (
  tasks: string,
) => `SELECT id, user_id, ended_at, (SELECT total(log_bytes) FROM attempts WHERE task_id = tasks.id)
    + coalesce((SELECT octet_length(diff) FROM diffs WHERE task_id = tasks.id), 0)
    + 2 * (SELECT total(octet_length(text)) FROM messages WHERE task_id = tasks.id) AS bytes
  FROM ${tasks} WHERE ended_at IS NOT NULL AND id NOT IN (SELECT id FROM removed)`;
/** More than there can be workers, so that one of these tasks has no running worker, if there is any such task. */
const LISTED_MAX = 200;

/** The statements; a test checks that each one reads a page of its index. */
export const LOG_USE = {
  ended: `${endedIn('tasks INDEXED BY tasks_ended')} AND (ended_at, id) > (:ended_at, :id) ORDER BY ended_at, id LIMIT :limit`,
  ended_of: `${endedIn('tasks INDEXED BY tasks_ended_by_user')} AND user_id = :user_id ORDER BY ended_at, id LIMIT ${LISTED_MAX}`,
};

/** A page of the ended tasks, oldest end first, after the one `after`. Fewer than `limit`: it is the last one. */
export function listEndedTasks(db: Db, after: Pick<EndedTask, 'ended_at' | 'id'>, limit: number): EndedTask[] {
  const { ended_at, id } = after;
  return sql<EndedTask>(db, LOG_USE.ended).all({ ended_at, id, limit });
}

/** Some ended tasks of a user, oldest end first. */
export function listEndedFirst(db: Db, user_id: string): EndedTask[] {
  return sql<EndedTask>(db, LOG_USE.ended_of).all({ user_id });
}

/** Whether a task has ended and is not being deleted. */
export function isRemovable(db: Db, id: string): boolean {
  return sql(db, `${endedIn('tasks')} AND id = ?`).get(id) !== undefined;
}
