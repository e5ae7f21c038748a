import { sql, type Db } from './database.ts';

/*
 * The queue. Tasks without a `retry_at` are ready. The next one to start belongs to the user whose turn it is: the one
 * with the fewest tasks at work, then the one that was served longest ago. Of that user's ready tasks it is the one
 * with the highest priority, then the oldest. The counts in `users`, which triggers keep, and the indexes hold this
 * order: no statement here sorts, or reads more of the queue than it returns.
 */

/**
 * Tasks whose wait is over. A `retry_at` of a task that was queued in the future was set before the clock was put back,
 * and does not count. A clock that is corrected by less than a minute leaves the waits as they are.
 */
const DUE = `
  SELECT rowid FROM tasks INDEXED BY tasks_waiting WHERE status = 'queued' AND retry_at <= :now
  UNION ALL
  SELECT rowid FROM tasks INDEXED BY tasks_waiting_by_age
    WHERE status = 'queued' AND retry_at IS NOT NULL AND queued_at > strftime('%Y-%m-%dT%H:%M:%fZ', :now, '+1 minute')
  LIMIT :limit`;

/** The statements; a test checks that each one reads only what its index holds in order. */
export const QUEUE = {
  first: `SELECT (
      SELECT id FROM tasks INDEXED BY tasks_ready
      WHERE user_id = users.id AND status = 'queued' AND retry_at IS NULL AND id NOT IN (SELECT value FROM json_each(:busy))
      ORDER BY priority DESC, queued_at, id LIMIT 1
    ) AS first FROM users INDEXED BY users_in_turn
    WHERE ready > 0 AND first IS NOT NULL ORDER BY at_work, served_at, id LIMIT 1`,
  ready: `SELECT id FROM tasks INDEXED BY tasks_ready
    WHERE user_id = :user_id AND status = 'queued' AND retry_at IS NULL ORDER BY priority DESC, queued_at, id`,
  turns: `SELECT id, at_work, ready FROM users INDEXED BY users_in_turn WHERE ready > 0 ORDER BY at_work, served_at, id`,
  due: DUE,
  next_retry: `SELECT min(retry_at) AS at FROM tasks INDEXED BY tasks_waiting WHERE status = 'queued' AND retry_at IS NOT NULL`,
};

/** The id of the task to start next. Undefined: none may start now. `busy`: tasks to skip. */
export function nextTask(db: Db, busy: string[]): string | undefined {
  return sql<{ first: string }>(db, QUEUE.first).get({ busy: JSON.stringify(busy) })?.first;
}

/** The ids of a user's ready tasks, in their order. */
export function listReady(db: Db, user_id: string): string[] {
  return sql<{ id: string }>(db, QUEUE.ready)
    .all({ user_id })
    .map(({ id }) => id);
}

/** A user with ready tasks. */
export type Turn = { id: string; at_work: number; ready: number };

/** All users with ready tasks, the one whose turn it is first. */
export function listTurns(db: Db): Turn[] {
  return sql<Turn>(db, QUEUE.turns).all();
}

/** How many are released in one transaction. */
const RELEASED_MAX = 500;

/** Whether a task has waited until its `retry_at`. `now` is an ISO time. */
export function hasDue(db: Db, now: string): boolean {
  return sql(db, DUE).get({ now, limit: 1 }) !== undefined;
}

/** Makes tasks ready that have waited until their `retry_at`; `RELEASED_MAX` at most. */
export function releaseDue(db: Db, now: string): void {
  sql(db, `UPDATE tasks SET retry_at = NULL WHERE rowid IN (${DUE})`).run({ now, limit: RELEASED_MAX });
}

/** The earliest `retry_at` that a queued task waits for; null: none waits. */
export function earliestRetry(db: Db): string | null {
  return sql<{ at: string | null }>(db, QUEUE.next_retry).get()?.at ?? null;
}

/** Stores when a task of this user was last given a worker: the other users come first in the next round. */
export function markServed(db: Db, user_id: string, at: string): void {
  sql(db, 'UPDATE users SET served_at = ? WHERE id = ?').run(at, user_id);
}
