import { LIMITS } from '../../protocol/limits.ts';
import { sql, type Db } from './database.ts';

/** A row of `task_pushes` with its key: four ids, about. */
const PUSH_BYTES = 200;

/*
 * What ended tasks take: all that is written about them, whoever wrote it. The events of workers count by the sizes
 * that are kept with the attempts; those of the server by an index that has their sizes.
 */

/** A task that has ended, and what it takes. */
export type EndedTask = { id: string; user_id: string; ended_at: string; bytes: number };

/** The prompt and the result are in the row of the task, and take about as much again in the index of the search. */
const BYTES = `(SELECT total(log_bytes) FROM attempts WHERE task_id = tasks.id)
  + (SELECT total(octet_length(body)) + ${LIMITS.event_row_bytes} * count(*)
     FROM events INDEXED BY events_of_server WHERE task_id = tasks.id AND seq IS NULL)
  + (SELECT total(octet_length(text)) FROM messages WHERE task_id = tasks.id)
  + (SELECT total(octet_length(diff)) FROM diffs WHERE task_id = tasks.id)
  + (SELECT total(octet_length(diff)) FROM task_repositories WHERE task_id = tasks.id)
  + ${PUSH_BYTES} * (SELECT count(*) FROM task_pushes WHERE task_id = tasks.id)
  + 2 * (octet_length(prompt) + coalesce(octet_length(result), 0))`;

const endedIn = (tasks: string) => `SELECT id, user_id, ended_at, ${BYTES} AS bytes
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
