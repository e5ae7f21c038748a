import { newId } from '../../protocol/ids.ts';
import type { Occasion } from '../../protocol/notifications.ts';
import { deleteEndedDevices, listChannelsFor } from '../sqlite/channels.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { insertNotification, pruneNotifications, supersede, type About } from '../sqlite/notifications.ts';

/** Settled notifications are kept for this long, so that nothing is told twice. */
const KEPT_MS = 7 * 24 * 3600_000;

/**
 * Stores a notification for each channel of the person, and of the project, that is to be told of this occasion.
 * `subject`: what of it; each is told once. Returns whether there is one to send.
 */
export function tellChannels(
  { db }: Tx,
  to: { user_id: string; project_id: string | null },
  about: About,
  told: { occasion: Occasion; subject: string },
): boolean {
  const now = Date.now();
  const created_at = new Date(now).toISOString();
  deleteEndedDevices(db, to.user_id, created_at);
  pruneNotifications(db, newId(now - KEPT_MS));
  let any = false;
  for (const { id: channel_id, kind, occasions } of listChannelsFor(db, to.user_id, to.project_id)) {
    if (!occasions.includes(told.occasion)) continue;
    const row = { id: newId(), channel_id, created_at, ...about, ...told };
    if (!insertNotification(db, row)) continue;
    any = true;
    // A program wants each fact, a person only the newest.
    if (kind !== 'webhook') supersede(db, row);
  }
  return any;
}

/** Tells the person of a schedule that it has paused, at an ISO time. What it says is read when it is sent. */
export function tellOfPause(
  tx: Tx,
  schedule: { id: string; user_id: string; project_id: string | null },
  at: string,
): void {
  const about = { task_id: null, event_id: null, schedule_id: schedule.id };
  tellChannels(tx, schedule, about, { occasion: 'needs_you', subject: `paused:${at}` });
}
