import { sql, type Db } from './database.ts';

type StatusEvent = { id: number; at: string; body: string };

/**
 * For a task that a message has queued again: how it had ended before, as the event that ended it. Undefined: something
 * else queued it.
 */
export function findEndBeforeMessage(db: Db, task_id: string): Pick<StatusEvent, 'at' | 'body'> | undefined {
  const [queued, ended] = sql<StatusEvent>(
    db,
    `SELECT id, at, body FROM events INDEXED BY events_by_task
     WHERE task_id = ? AND type = 'task.status' ORDER BY id DESC LIMIT 2`,
  ).all(task_id);
  if (!queued || !ended) return undefined;
  // A message that came too late for the attempt queues the task in the transaction that ends it.
  if (queued.at === ended.at) return ended;
  // Both rows are of one transaction.
  const cause = sql<{ type: string }>(db, 'SELECT type FROM events WHERE id = ? AND task_id = ?').get(
    queued.id - 1,
    task_id,
  );
  return cause?.type === 'message.received' ? ended : undefined;
}
