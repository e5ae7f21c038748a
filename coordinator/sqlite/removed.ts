import { sql, type Db } from './database.ts';
import { forgetSpender } from './spending.ts';

/*
 * Deletion of tasks, projects and users, in steps. A mark in `removed` hides the object at once. Then the rows that
 * refer to it are deleted, a bounded number per transaction, and at last its own row: ON DELETE CASCADE never has
 * many rows left.
 */

/** What can be marked for deletion. */
export type Removable = 'task' | 'project' | 'user';

/** The most that one transaction deletes: rows of a table, and bytes of events' bodies. */
export const REMOVED_ROWS_MAX = 500;
const REMOVED_BYTES_MAX = 4 * 1024 * 1024;
const LISTED_MAX = 200;

/**
 * Marks an object for deletion. A task must have ended; a project or user must have no queued or active task. False: it
 * is marked already.
 */
export function markRemoved(db: Db, kind: Removable, id: string): boolean {
  return sql(db, 'INSERT OR IGNORE INTO removed (id, kind) VALUES (?, ?)').run(id, kind).changes === 1;
}

/** Marks all tasks of a project for deletion. It reads and writes only their ids. */
export function markTasksOfProject(db: Db, project_id: string): void {
  sql(db, `INSERT OR IGNORE INTO removed (id, kind) SELECT id, 'task' FROM tasks WHERE project_id = ?`).run(project_id);
}

/** A position in the order of the ended tasks: the first to end first. `ended_at` is an ISO time. */
export type EndPosition = { ended_at: string; id: string };

/** The statement of `markEndedBefore`; a test checks that it uses its index. */
export const LIST_ENDED_BEFORE = `SELECT ended_at, id FROM tasks INDEXED BY tasks_ended
   WHERE ended_at < :before AND (ended_at, id) > (:ended_at, :id) ORDER BY ended_at, id LIMIT ${REMOVED_ROWS_MAX}`;

/**
 * Marks tasks that ended before the ISO time `before` for deletion: those after the position `after`, and
 * `REMOVED_ROWS_MAX` at most. Returns how many, and where the next call goes on; `next` undefined: there are no more.
 */
export function markEndedBefore(
  db: Db,
  before: string,
  after: EndPosition = { ended_at: '', id: '' },
): { marked: number; next: EndPosition | undefined } {
  const tasks = sql<EndPosition>(db, LIST_ENDED_BEFORE).all({ before, ...after });
  let marked = 0;
  for (const { id } of tasks) if (markRemoved(db, 'task', id)) marked += 1;
  return { marked, next: tasks[REMOVED_ROWS_MAX - 1] };
}

/** Marks some tasks and projects of a user for deletion. Returns how many; 0: none is left to mark. */
export function markSomeOfUser(db: Db, user_id: string): number {
  return sql(
    db,
    `INSERT INTO removed (id, kind)
     SELECT id, 'task' FROM tasks WHERE user_id = :user_id AND id NOT IN (SELECT id FROM removed)
     UNION ALL SELECT id, 'project' FROM projects WHERE user_id = :user_id AND id NOT IN (SELECT id FROM removed)
     LIMIT ${REMOVED_ROWS_MAX}`,
  ).run({ user_id }).changes;
}

/** The ids of some marked objects. */
export function listRemoved(db: Db, kind: Removable): string[] {
  return sql<{ id: string }>(db, `SELECT id FROM removed WHERE kind = ? ORDER BY id LIMIT ${LISTED_MAX}`)
    .all(kind)
    .map(({ id }) => id);
}

/** Deletes some events, then some messages of a task. True: none of them is left. */
export function deleteSomeOfTask(db: Db, task_id: string): boolean {
  if (!deleteFirstEvents(db, task_id)) return false;
  const { changes } = sql(
    db,
    `DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE task_id = ? LIMIT ${REMOVED_ROWS_MAX})`,
  ).run(task_id);
  return changes < REMOVED_ROWS_MAX;
}

/** Deletes a marked task and the few rows that still refer to it. Returns its workspace; null: it has none. */
export function deleteTask(db: Db, id: string): string | null {
  const row = sql<{ workspace: string | null }>(db, 'DELETE FROM tasks WHERE id = ? RETURNING workspace').get(id);
  unmark(db, id);
  return row?.workspace ?? null;
}

/** Deletes a marked project. False: it still has tasks. */
export function deleteProject(db: Db, id: string): boolean {
  if (sql(db, 'SELECT 1 FROM tasks WHERE project_id = ? LIMIT 1').get(id) !== undefined) return false;
  sql(db, 'DELETE FROM projects WHERE id = ?').run(id);
  unmark(db, id);
  return true;
}

/** Deletes some rows of a marked user, and at last the user. False: the user still has tasks or projects. */
export function deleteSomeOfUser(db: Db, id: string): boolean {
  const has = sql(
    db,
    `SELECT 1 WHERE EXISTS (SELECT 1 FROM tasks WHERE user_id = :id) OR EXISTS (SELECT 1 FROM projects WHERE user_id = :id)`,
  ).get({ id });
  if (has !== undefined) return false;
  const rest = [
    `DELETE FROM schedule_runs WHERE (schedule_id, due_at) IN
       (SELECT schedule_id, due_at FROM schedules CROSS JOIN schedule_runs ON schedule_id = id WHERE user_id = :id LIMIT ${REMOVED_ROWS_MAX})`,
    `DELETE FROM refresh_tokens WHERE hash IN (SELECT hash FROM refresh_tokens WHERE user_id = :id LIMIT ${REMOVED_ROWS_MAX})`,
    `DELETE FROM idempotency_keys WHERE user_id = :id
     AND key IN (SELECT key FROM idempotency_keys WHERE user_id = :id LIMIT ${REMOVED_ROWS_MAX})`,
  ];
  for (const statement of rest) if (sql(db, statement).run({ id }).changes === REMOVED_ROWS_MAX) return true;
  forgetSpender(db, id);
  sql(db, 'DELETE FROM users WHERE id = ?').run(id);
  unmark(db, id);
  return true;
}

function unmark(db: Db, id: string): void {
  sql(db, 'DELETE FROM removed WHERE id = ?').run(id);
}

/** Deletes the oldest events of a task. True: none is left. */
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
