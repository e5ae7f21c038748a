import { sql, type Db } from './database.ts';

/**
 * The queue in its order: what may start now, then what waits for its `retry_at`; by priority; then one task of each user in turn, whoever
 * has fewer at work first, and among equals whoever was served longest ago; then by age. A `retry_at` beyond `latest` was set before the
 * clock was put back, and holds nothing up. `busy` is a JSON array of ids to pass over. The
 * planner would rather read all tasks ever in the order of their users than sort the few that are queued, so it is told which index to read.
 */
export const QUEUE = `
  WITH active AS (
    SELECT user_id, count(*) AS n FROM tasks INDEXED BY tasks_active WHERE status IN ('starting', 'running', 'waiting') GROUP BY user_id
  ), queued AS (
    SELECT id, user_id, priority, queued_at, coalesce(retry_at > :now AND retry_at <= :latest, 0) AS later FROM tasks INDEXED BY tasks_queued
    WHERE status = 'queued' AND id NOT IN (SELECT value FROM json_each(:busy))
  ), turns AS (
    SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY later, priority DESC, queued_at, id) AS turn FROM queued
  )
  SELECT turns.id, turns.later FROM turns
  JOIN users ON users.id = turns.user_id
  LEFT JOIN active ON active.user_id = turns.user_id
  ORDER BY turns.later, turns.priority DESC, turns.turn + coalesce(active.n, 0), users.served_at NULLS FIRST, turns.queued_at, turns.id`;

type Queued = { id: string; later: number };

/** Now, and the latest time until which a task may be made to wait from now on; both ISO. */
export type Times = { now: string; latest: string };

/** The ids of all queued tasks, in the order in which they will start. */
export function listQueued(db: Db, times: Times): string[] {
  return sql<Queued>(db, QUEUE)
    .all({ ...times, busy: '[]' })
    .map((row) => row.id);
}

/** The id of the task that is to start now, none of `busy`; undefined where there is none. */
export function firstQueued(db: Db, times: Times, busy: string[]): string | undefined {
  const row = sql<Queued>(db, `${QUEUE} LIMIT 1`).get({ ...times, busy: JSON.stringify(busy) });
  return row?.later === 0 ? row.id : undefined;
}

/** When the next queued task that has to wait may start; null where none has to. */
export function earliestRetry(db: Db, times: Times): string | null {
  const row = sql<{ at: string | null }>(
    db,
    `SELECT min(retry_at) AS at FROM tasks INDEXED BY tasks_queued WHERE status = 'queued' AND retry_at > :now AND retry_at <= :latest`,
  ).get(times);
  return row?.at ?? null;
}

/** Notes that this user was given a worker: the others' turn comes first. */
export function markServed(db: Db, user_id: string, at: string): void {
  sql(db, 'UPDATE users SET served_at = ? WHERE id = ?').run(at, user_id);
}
