import { sql, type Db } from './database.ts';

/* Figures for the server's operator. Each is read from an index that holds no more than what is queued or at work, however long the log is. */

/** The statements; a test holds them to their indexes. */
export const FIGURES = {
  active: `SELECT status, count(*) AS n FROM tasks INDEXED BY tasks_active WHERE status IN ('starting', 'running', 'waiting') GROUP BY status`,
  queued: `SELECT count(*) AS n, min(queued_at) AS oldest FROM tasks INDEXED BY tasks_queued WHERE status = 'queued'`,
};

/** How many tasks are at work, by their status. */
export function countActive(db: Db): { status: string; n: number }[] {
  return sql<{ status: string; n: number }>(db, FIGURES.active).all();
}

/** How many tasks are queued, and since when the first of them is. */
export function readQueue(db: Db): { n: number; oldest: string | null } {
  return sql<{ n: number; oldest: string | null }>(db, FIGURES.queued).get() ?? { n: 0, oldest: null };
}

/** The id of the newest event; 0 where there has been none. */
export function newestEventId(db: Db): number {
  return sql<{ seq: number }>(db, `SELECT seq FROM sqlite_sequence WHERE name = 'events'`).get()?.seq ?? 0;
}
