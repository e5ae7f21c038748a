import { newId } from '../../protocol/ids.ts';
import type { Logger } from '../base/logger.ts';
import { deleteEndedDevices, isMuted, listChannelsFor } from '../sqlite/channels.ts';
import { DurableSubscriber } from '../sqlite/durable-subscriber.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import type { EventRow } from '../sqlite/events.ts';
import { insertNotification, supersede } from '../sqlite/notifications.ts';
import { findTaskOf } from '../sqlite/tasks.ts';
import { OCCASION_TYPES, occasionOf } from './occasion.ts';

/**
 * Turns the occasions in the log into one notification for each channel. The log's cursor moves after they are stored,
 * and each is stored once, so a server that dies in between neither forgets nor doubles one.
 */
export function fanOut(log: EventLog, logger: Logger, onAdded: () => void): DurableSubscriber {
  const handle = (event: EventRow): void => {
    if (log.write((tx) => addNotifications(tx, event))) onAdded();
  };
  return new DurableSubscriber({ log, logger, name: 'notifications', types: OCCASION_TYPES, handle });
}

/** Whether any channel is to be told of an event. */
function addNotifications({ db }: Tx, event: EventRow): boolean {
  const told = occasionOf(event);
  const { task_id, user_id, id: event_id } = event;
  const task = told && findTaskOf(db, user_id, task_id);
  if (!task || isMuted(db, task_id)) return false;
  const created_at = new Date().toISOString();
  deleteEndedDevices(db, user_id, created_at);
  let any = false;
  for (const channel of listChannelsFor(db, user_id, task.project_id)) {
    if (!channel.occasions.includes(told.occasion)) continue;
    const id = newId();
    if (!insertNotification(db, { id, channel_id: channel.id, task_id, event_id, created_at, ...told })) continue;
    any = true;
    // A program wants each fact, a person only the newest.
    if (channel.kind !== 'webhook') supersede(db, channel.id, task_id, id);
  }
  return any;
}
