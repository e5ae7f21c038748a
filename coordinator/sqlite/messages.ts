import type { Message } from '../../protocol/worker-schemas.ts';
import { numberOf, sql, type Db } from './database.ts';

/** Adds a person's message to a task. It is pending until the worker has put it into the conversation. */
export function insertMessage(
  db: Db,
  message: { id: string; task_id: string; text: string; created_at: string },
): void {
  sql(db, 'INSERT INTO messages (id, task_id, text, created_at) VALUES (:id, :task_id, :text, :created_at)').run(
    message,
  );
}

/** The most characters of pending messages in one reply to a worker. The reply has room for them in any script. */
const PENDING_CHARS_MAX = 1_000_000;

/**
 * The oldest pending messages, oldest first, as many as one reply carries. The others follow once these are taken in.
 */
export function listPendingMessages(db: Db, task_id: string): Message[] {
  const messages: Message[] = [];
  let chars = 0;
  const pending = sql<Message>(
    db,
    'SELECT id, text, created_at AS at FROM messages WHERE task_id = ? AND taken_in_at IS NULL ORDER BY id LIMIT 100',
  );
  for (const message of pending.iterate(task_id)) {
    chars += message.text.length;
    if (chars > PENDING_CHARS_MAX) break;
    messages.push(message);
  }
  return messages;
}

/** Whether a message from this time or later is pending. */
export function hasPendingSince(db: Db, task_id: string, at: string): boolean {
  return (
    sql(db, 'SELECT 1 FROM messages WHERE task_id = ? AND taken_in_at IS NULL AND created_at >= ? LIMIT 1').get(
      task_id,
      at,
    ) !== undefined
  );
}

/** Marks a message as part of the conversation. False: the task has no such message, or it was marked before. */
export function markMessageTakenIn(db: Db, task_id: string, id: string, at: string): boolean {
  const { changes } = sql(
    db,
    'UPDATE messages SET taken_in_at = :at WHERE id = :id AND task_id = :task_id AND taken_in_at IS NULL',
  ).run({ task_id, id, at });
  return changes === 1;
}

/** How many messages a task has had. */
export function countMessages(db: Db, task_id: string): number {
  return numberOf(db, 'SELECT count(*) FROM messages WHERE task_id = ?', task_id);
}

/** How many messages of a task are pending. */
export function countPendingMessages(db: Db, task_id: string): number {
  return numberOf(db, 'SELECT count(*) FROM messages WHERE task_id = ? AND taken_in_at IS NULL', task_id);
}
