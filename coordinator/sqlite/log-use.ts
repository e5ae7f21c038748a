import { numberOf, sql, type Db } from './database.ts';

/* What the logs of tasks take, from the sizes that are kept with their attempts. */

/** A task that has ended, and what its attempts' events take. */
export type EndedTask = { id: string; user_id: string; bytes: number };

const ENDED = `SELECT id, user_id, (SELECT total(log_bytes) FROM attempts WHERE task_id = id) AS bytes
  FROM tasks WHERE ended_at IS NOT NULL AND id NOT IN (SELECT id FROM removed)`;
/** More than there can be workers: among so many tasks there is one without a running worker, if there is any. */
const LISTED_MAX = 200;

/** A page of the ended tasks, by id, after the id `after`. Fewer than `limit`: it is the last one. */
export function listEndedTasks(db: Db, after: string, limit: number): EndedTask[] {
  return sql<EndedTask>(db, `${ENDED} AND id > ? ORDER BY id LIMIT ?`).all(after, limit);
}

/** Some ended tasks of a user, oldest end first. */
export function listEndedFirst(db: Db, user_id: string): EndedTask[] {
  return sql<EndedTask>(db, `${ENDED} AND user_id = ? ORDER BY ended_at, id LIMIT ${LISTED_MAX}`).all(user_id);
}

/** Whether a task has ended and is not being deleted. */
export function isRemovable(db: Db, id: string): boolean {
  return sql(db, `${ENDED} AND id = ?`).get(id) !== undefined;
}

/** What the tasks take that are queued or at work. */
export function bytesInProgress(db: Db): number {
  return numberOf(
    db,
    `SELECT total(log_bytes) FROM attempts WHERE task_id IN (
       SELECT id FROM tasks INDEXED BY tasks_active WHERE status IN ('starting', 'running', 'waiting')
       UNION ALL SELECT id FROM tasks INDEXED BY tasks_queued WHERE status = 'queued')`,
  );
}
