import { numberOf, sql, type Db } from './database.ts';

/** A task that was removed. In the table, `event_id` is the newest event of the log by then. */
export type Tombstone = { id: number; user_id: string; task_id: string };

/**
 * The tombstones of one user that count: a trigger deletes older ones now and then. A client that missed more starts
 * over.
 */
export const TOMBSTONES_MAX = 1_000;

/** The id of the newest tombstone; 0: there was none. */
export function newestTombstone(db: Db): number {
  return numberOf(db, `SELECT seq FROM sqlite_sequence WHERE name = 'tombstones'`);
}

/** Some tombstones with ids above `after`, oldest first. */
export function listTombstonesAfter(db: Db, after: number): Tombstone[] {
  return sql<Tombstone>(
    db,
    `SELECT id, user_id, task_id FROM tombstones WHERE id > ? ORDER BY id LIMIT ${TOMBSTONES_MAX}`,
  ).all(after);
}

/**
 * The tasks that were removed since the event `event_id` was a user's newest, and perhaps some from before. Undefined:
 * more than are known.
 */
export function listRemovedSince(db: Db, user_id: string, event_id: number): string[] | undefined {
  const rows = sql<{ task_id: string }>(
    db,
    `SELECT task_id FROM tombstones WHERE user_id = ? AND event_id >= ? ORDER BY event_id DESC LIMIT ${TOMBSTONES_MAX}`,
  ).all(user_id, event_id);
  return rows.length < TOMBSTONES_MAX ? rows.map(({ task_id }) => task_id) : undefined;
}
