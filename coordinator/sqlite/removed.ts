import { sql, type Db } from './database.ts';

/*
 * What was deleted: first it is marked, which hides it, then its rows are deleted, a bounded number in each transaction. The row of a thing itself
 * goes after all that hangs on it, so that no foreign key deletes, or changes, more than a few rows in one go.
 */

export type Removable = 'task' | 'project' | 'user';

/** What one transaction deletes at most: rows of one table, and the text of events. */
export const REMOVED_ROWS_MAX = 500;
const REMOVED_BYTES_MAX = 4 * 1024 * 1024;
/** More than there can be workers at work: among so many tasks is one whose worker has gone, if there is any. */
const LISTED_MAX = 200;

/** Hides a thing from everyone. A task must have ended; of a project or a user no task may wait or be at work. */
export function markRemoved(db: Db, kind: Removable, id: string): void {
  sql(db, 'INSERT OR IGNORE INTO removed (id, kind) VALUES (?, ?)').run(id, kind);
}

/** Hides all tasks of a project: their ids alone are read and written. */
export function markTasksOfProject(db: Db, project_id: string): void {
  sql(db, `INSERT OR IGNORE INTO removed (id, kind) SELECT id, 'task' FROM tasks WHERE project_id = ?`).run(project_id);
}

/** Hides tasks that ended before this time, those that ended longest ago first. Gives how many: `REMOVED_ROWS_MAX`, and there may be more. */
export function markEndedBefore(db: Db, before: string): number {
  return sql(
    db,
    `INSERT INTO removed (id, kind) SELECT id, 'task' FROM tasks INDEXED BY tasks_ended
     WHERE ended_at < ? AND id NOT IN (SELECT id FROM removed) ORDER BY ended_at LIMIT ${REMOVED_ROWS_MAX}`,
  ).run(before).changes;
}

/** The tasks that ended longest ago, by id, oldest end first: some of them. */
export function listEndedFirst(db: Db): string[] {
  return sql<{ id: string }>(
    db,
    `SELECT id FROM tasks INDEXED BY tasks_ended
     WHERE ended_at IS NOT NULL AND id NOT IN (SELECT id FROM removed) ORDER BY ended_at LIMIT ${LISTED_MAX}`,
  )
    .all()
    .map(({ id }) => id);
}

/** Marks tasks and projects of a user who is being removed, to be removed before him. Gives how many; 0: all are marked, or gone. */
export function markSomeOfUser(db: Db, user_id: string): number {
  return sql(
    db,
    `INSERT INTO removed (id, kind)
     SELECT id, 'task' FROM tasks WHERE user_id = :user_id AND id NOT IN (SELECT id FROM removed)
     UNION ALL SELECT id, 'project' FROM projects WHERE user_id = :user_id AND id NOT IN (SELECT id FROM removed)
     LIMIT ${REMOVED_ROWS_MAX}`,
  ).run({ user_id }).changes;
}

/** Some of what is marked, by id. */
export function listRemoved(db: Db, kind: Removable): string[] {
  return sql<{ id: string }>(db, `SELECT id FROM removed WHERE kind = ? ORDER BY id LIMIT ${LISTED_MAX}`)
    .all(kind)
    .map(({ id }) => id);
}

/** Deletes a part of what hangs on a task. True: that was all that there may be much of. */
export function deleteSomeOfTask(db: Db, task_id: string): boolean {
  if (!deleteFirstEvents(db, task_id)) return false;
  const { changes } = sql(
    db,
    `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE task_id = ? LIMIT ${REMOVED_ROWS_MAX})`,
  ).run(task_id);
  return changes < REMOVED_ROWS_MAX;
}

/** Deletes a marked task with the few rows that are left on it. Gives its workspace; null where it has none. */
export function deleteTask(db: Db, id: string): string | null {
  const row = sql<{ workspace: string | null }>(db, 'DELETE FROM tasks WHERE id = ? RETURNING workspace').get(id);
  unmark(db, id);
  return row?.workspace ?? null;
}

/** Deletes a marked project. False: tasks of it are there still. */
export function deleteProject(db: Db, id: string): boolean {
  if (sql(db, 'SELECT 1 FROM tasks WHERE project_id = ? LIMIT 1').get(id) !== undefined) return false;
  sql(db, 'DELETE FROM projects WHERE id = ?').run(id);
  unmark(db, id);
  return true;
}

/** Deletes a part of what hangs on a marked user, and at last the user. False: tasks or projects of theirs are there still. */
export function deleteSomeOfUser(db: Db, id: string): boolean {
  const has = sql(
    db,
    `SELECT 1 WHERE EXISTS (SELECT 1 FROM tasks WHERE user_id = :id) OR EXISTS (SELECT 1 FROM projects WHERE user_id = :id)`,
  ).get({ id });
  if (has !== undefined) return false;
  const rest = [
    `DELETE FROM refresh_tokens WHERE hash IN (SELECT hash FROM refresh_tokens WHERE user_id = :id LIMIT ${REMOVED_ROWS_MAX})`,
    `DELETE FROM idempotency_keys WHERE user_id = :id
     AND key IN (SELECT key FROM idempotency_keys WHERE user_id = :id LIMIT ${REMOVED_ROWS_MAX})`,
  ];
  for (const statement of rest) if (sql(db, statement).run({ id }).changes === REMOVED_ROWS_MAX) return true;
  sql(db, 'DELETE FROM users WHERE id = ?').run(id);
  unmark(db, id);
  return true;
}

function unmark(db: Db, id: string): void {
  sql(db, 'DELETE FROM removed WHERE id = ?').run(id);
}

/** Deletes a task's oldest events. True: there are no more. */
function deleteFirstEvents(db: Db, task_id: string): boolean {
  const events = sql<{ id: number; bytes: number }>(
    db,
    `SELECT id, octet_length(body) AS bytes FROM events INDEXED BY events_by_task
     WHERE task_id = ? ORDER BY id LIMIT ${REMOVED_ROWS_MAX}`,
  );
  let [last, rows, bytes] = [0, 0, 0];
  for (const event of events.iterate(task_id)) {
    last = event.id;
    rows += 1;
    bytes += event.bytes;
    if (bytes >= REMOVED_BYTES_MAX) break;
  }
  sql(db, 'DELETE FROM events WHERE task_id = ? AND id <= ?').run(task_id, last);
  return rows < REMOVED_ROWS_MAX && bytes < REMOVED_BYTES_MAX;
}
