import { sql, type Db } from './database.ts';

/** What a person said to a task. `taken_in_at`: when it entered the conversation; null until then. */
export type MessageRow = { id: string; task_id: string; text: string; created_at: string; taken_in_at: string | null };

export function insertMessage(db: Db, message: Omit<MessageRow, 'taken_in_at'>): void {
  sql(db, 'INSERT INTO messages (id, task_id, text, created_at) VALUES (:id, :task_id, :text, :created_at)').run(
    message,
  );
}

/** The first hundred of the messages that have not entered the conversation, oldest first. */
export function listPendingMessages(db: Db, task_id: string): MessageRow[] {
  return sql<MessageRow>(
    db,
    'SELECT * FROM messages WHERE task_id = ? AND taken_in_at IS NULL ORDER BY id LIMIT 100',
  ).all(task_id);
}

/** Notes that a message entered the conversation. False: there is no such message of this task, or it had entered before. */
export function markMessageTakenIn(db: Db, task_id: string, id: string, at: string): boolean {
  const { changes } = sql(
    db,
    'UPDATE messages SET taken_in_at = :at WHERE id = :id AND task_id = :task_id AND taken_in_at IS NULL',
  ).run({ task_id, id, at });
  return changes === 1;
}

/** How many messages have not entered the conversation. */
export function countPendingMessages(db: Db, task_id: string): number {
  const row = sql<{ n: number }>(
    db,
    'SELECT count(*) AS n FROM messages WHERE task_id = ? AND taken_in_at IS NULL',
  ).get(task_id);
  return row?.n ?? 0;
}
