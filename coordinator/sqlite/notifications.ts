import type { Occasion } from '../../protocol/notifications.ts';
import { sql, type Db } from './database.ts';

/** What a notification is about: an errand, and the row of its log that it tells of; or a schedule. */
export type About =
  { task_id: string; event_id: number; schedule_id: null } | { task_id: null; event_id: null; schedule_id: string };

/** What a channel is told. Times are ISO. */
export type NotificationRow = About & {
  id: string;
  channel_id: string;
  occasion: Occasion;
  /** What of it. A channel is told of each subject of an errand, or of a schedule, once. */
  subject: string;
  created_at: string;
  /** How many tries have failed. */
  tries: number;
  /** When it is sent next; null: it is settled. */
  next_at: string | null;
};

/** Adds a notification that is due at once. False: the channel was told of this already. */
export function insertNotification(
  db: Db,
  row: About & Pick<NotificationRow, 'id' | 'channel_id' | 'occasion' | 'subject' | 'created_at'>,
): boolean {
  const { changes } = sql(
    db,
    `INSERT OR IGNORE INTO notifications (id, channel_id, task_id, event_id, schedule_id, occasion, subject, created_at, tries, next_at)
     VALUES (:id, :channel_id, :task_id, :event_id, :schedule_id, :occasion, :subject, :created_at, 0, :created_at)`,
  ).run(row);
  return changes === 1;
}

/** Settles what the channel was not told yet of the same errand, or schedule: `id` is newer. */
export function supersede(
  db: Db,
  { channel_id, id, task_id, schedule_id }: Pick<NotificationRow, 'channel_id' | 'id' | 'task_id' | 'schedule_id'>,
): void {
  sql(
    db,
    `UPDATE notifications SET next_at = NULL
     WHERE channel_id = :channel_id AND (task_id = :task_id OR schedule_id = :schedule_id) AND id <> :id AND next_at IS NOT NULL`,
  ).run({ channel_id, id, task_id, schedule_id });
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

/** Makes due at `now` what is due after `latest`. Returns how many. */
export function bringNotificationsForward(db: Db, latest: string, now: string): number {
  return sql(db, 'UPDATE notifications SET next_at = :now WHERE next_at > :latest').run({ latest, now }).changes;
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
