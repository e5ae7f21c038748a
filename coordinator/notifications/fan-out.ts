import type { Logger } from '../base/logger.ts';
import { isMuted } from '../sqlite/channels.ts';
import { DurableSubscriber } from '../sqlite/durable-subscriber.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import type { EventRow } from '../sqlite/events.ts';
import { findTaskOf } from '../sqlite/tasks.ts';
import { OCCASION_TYPES, occasionOf } from './occasion.ts';
import { tellChannels } from './tell-channels.ts';

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
function addNotifications(tx: Tx, event: EventRow): boolean {
  const told = occasionOf(event);
  const { task_id, user_id, id: event_id } = event;
  const task = told && findTaskOf(tx.db, user_id, task_id);
  if (!task || isMuted(tx.db, task_id)) return false;
  return tellChannels(tx, task, { task_id, event_id, schedule_id: null }, told);
}
