import { sql, type Db } from './database.ts';

/* Counts and sizes for the operator's metrics. The counts read indices that hold only queued and active tasks. */

/** The statements; a test checks that each one uses its index. */
export const STATS = {
  active: `SELECT status, count(*) AS n FROM tasks INDEXED BY tasks_active WHERE status IN ('starting', 'running', 'waiting') GROUP BY status`,
  queued: `SELECT count(*) AS n FROM tasks INDEXED BY tasks_queued WHERE status = 'queued'`,
  oldest: `SELECT queued_at AS oldest FROM tasks INDEXED BY tasks_queued WHERE status = 'queued' AND retry_at IS NULL
    ORDER BY queued_at LIMIT 1`,
};

/** How many tasks are at work, by status. A status without tasks is absent. */
export function countActive(db: Db): { status: string; n: number }[] {
  return sql<{ status: string; n: number }>(db, STATS.active).all();
}

/** How many tasks are queued, and since when the oldest of those waits that wait only for their turn; null: none. */
export function readQueue(db: Db): { n: number; oldest: string | null } {
  const { n } = sql<{ n: number }>(db, STATS.queued).get() ?? { n: 0 };
  return { n, oldest: sql<{ oldest: string }>(db, STATS.oldest).get()?.oldest ?? null };
}

/** The size of the used part of the database, in bytes. The file is larger: SQLite keeps free pages for later rows. */
export function usedBytes(db: Db): number {
  const read = (name: string) => Number(db.pragma(name, { simple: true }));
  return (read('page_count') - read('freelist_count')) * read('page_size');
}
