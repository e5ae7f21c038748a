import type { Occasion } from '../../protocol/notifications.ts';
import { sql, type Db } from './database.ts';

/** What a channel is told. Times are ISO. */
export type NotificationRow = {
  id: string;
  channel_id: string;
  task_id: string;
  /** The row of the log that it tells of. */
  event_id: number;
  occasion: Occasion;
  /** What it is about. A channel is told of each subject of an errand once. */
  subject: string;
  created_at: string;
  /** How many tries have failed. */
  tries: number;
  /** When it is sent next; null: it is settled. */
  next_at: string | null;
};

/** Adds a notification that is due at once. False: the channel was told of this already. */
export function insertNotification(db: Db, row: Omit<NotificationRow, 'tries' | 'next_at'>): boolean {
  const { changes } = sql(
    db,
    `INSERT OR IGNORE INTO notifications (id, channel_id, task_id, event_id, occasion, subject, created_at, tries, next_at)
     VALUES (:id, :channel_id, :task_id, :event_id, :occasion, :subject, :created_at, 0, :created_at)`,
  ).run(row);
  return changes === 1;
}

/** Settles what the channel was not told yet of an errand: `id` is newer. */
export function supersede(db: Db, channel_id: string, task_id: string, id: string): void {
  sql(
    db,
    `UPDATE notifications SET next_at = NULL WHERE channel_id = ? AND task_id = ? AND id <> ? AND next_at IS NOT NULL`,
  ).run(channel_id, task_id, id);
}

/** The notification that each channel is due to be told first, those that wait for longest first. */
export function listDue(db: Db, now: string, limit: number): (NotificationRow & { user_id: string })[] {
  return sql<NotificationRow & { user_id: string }>(
    db,
    `SELECT notifications.*, user_id FROM notifications JOIN channels ON channels.id = channel_id WHERE notifications.id IN
       (SELECT min(id) FROM notifications WHERE next_at <= :now GROUP BY channel_id ORDER BY min(next_at) LIMIT :limit)
     ORDER BY next_at`,
  ).all({ now, limit });
}

/** When the next notification is due that is not due at `now`. Undefined: there is none. */
export function nextDueAt(db: Db, now: string): string | undefined {
  const row = sql<{ at: string | null }>(db, 'SELECT min(next_at) AS at FROM notifications WHERE next_at > ?').get(now);
  return row?.at ?? undefined;
}

/** Settles a notification: it was sent, given up, or is not true any more. */
export function settle(db: Db, id: string): void {
  sql(db, 'UPDATE notifications SET next_at = NULL WHERE id = ?').run(id);
}

/** Puts a notification off, unless it was settled meanwhile. `failed`: a try has failed. */
export function postpone(db: Db, id: string, next_at: string, failed: boolean): void {
  sql(
    db,
    'UPDATE notifications SET next_at = :next_at, tries = tries + :failed WHERE id = :id AND next_at IS NOT NULL',
  ).run({ id, next_at, failed: failed ? 1 : 0 });
}

/** Makes due what a channel waits to be told and no try of it has failed. */
export function hurry(db: Db, channel_id: string, now: string): void {
  sql(
    db,
    'UPDATE notifications SET next_at = :now WHERE channel_id = :channel_id AND next_at > :now AND tries = 0',
  ).run({
    channel_id,
    now,
  });
}

const PRUNED_ROWS_MAX = 500;

/** Deletes some settled notifications with ids below `before`. */
export function pruneNotifications(db: Db, before: string): void {
  sql(
    db,
    `DELETE FROM notifications WHERE id IN
       (SELECT id FROM notifications WHERE id < ? AND next_at IS NULL ORDER BY id LIMIT ${PRUNED_ROWS_MAX})`,
  ).run(before);
}
