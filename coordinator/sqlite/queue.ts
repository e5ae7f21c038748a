import { sql, type Db } from './database.ts';

/**
 * Queued by now. A clock that is corrected by less than a minute leaves the times of the queue as they are.
 */
const QUEUED_BY_NOW = `queued_at <= strftime('%Y-%m-%dT%H:%M:%fZ', :now, '+1 minute')`;

/**
 * The queue in its order:
 * 1. tasks that may start now, before tasks that wait for their `retry_at`;
 * 2. round-robin over the users: the one with fewer tasks at work first, then the one that was served longest ago;
 * 3. oldest first. Priority orders the tasks of one user: nobody's goes before the tasks of others.
 *
 * A `retry_at` of a task that was queued in the future was set before the clock was put back, and is ignored. `busy` is
 * a JSON array of ids to skip. INDEXED BY is needed: the planner would read all tasks by user rather than sort the few queued ones.
 */
export const QUEUE = `
  WITH active AS (
    SELECT user_id, count(*) AS n FROM tasks INDEXED BY tasks_active WHERE status IN ('starting', 'running', 'waiting') GROUP BY user_id
  ), queued AS (
    SELECT id, user_id, priority, queued_at, coalesce(retry_at > :now AND ${QUEUED_BY_NOW}, 0) AS later FROM tasks INDEXED BY tasks_queued
    WHERE status = 'queued' AND id NOT IN (SELECT value FROM json_each(:busy))
  ), turns AS (
    SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY later, priority DESC, queued_at, id) AS turn FROM queued
  )
  SELECT turns.id, turns.later FROM turns
  JOIN users ON users.id = turns.user_id
  LEFT JOIN active ON active.user_id = turns.user_id
  ORDER BY turns.later, turns.turn + coalesce(active.n, 0), users.served_at NULLS FIRST, turns.queued_at, turns.id`;

type Queued = { id: string; later: number };

/** The ids of all queued tasks, in the queue's order. `now` is an ISO time. */
export function listQueued(db: Db, now: string): string[] {
  return sql<Queued>(db, QUEUE)
    .all({ now, busy: '[]' })
    .map((row) => row.id);
}

/** The id of the next task to start, none of `busy`. Undefined: none may start now. */
export function firstQueued(db: Db, now: string, busy: string[]): string | undefined {
  const row = sql<Queued>(db, `${QUEUE} LIMIT 1`).get({ now, busy: JSON.stringify(busy) });
  return row?.later === 0 ? row.id : undefined;
}

/** The earliest `retry_at` that a queued task waits for; null: none waits. */
export function earliestRetry(db: Db, now: string): string | null {
  const row = sql<{ at: string | null }>(
    db,
    `SELECT min(retry_at) AS at FROM tasks INDEXED BY tasks_queued WHERE status = 'queued' AND retry_at > :now AND ${QUEUED_BY_NOW}`,
  ).get({ now });
  return row?.at ?? null;
}

/** Stores when a task of this user was last given a worker: the other users come first in the next round. */
export function markServed(db: Db, user_id: string, at: string): void {
  sql(db, 'UPDATE users SET served_at = ? WHERE id = ?').run(at, user_id);
}
