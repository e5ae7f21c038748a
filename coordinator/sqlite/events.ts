import { sql, type Db } from './database.ts';

/** A row of the log; `body` is JSON text, sent on as it is. */
export type EventRow = {
  id: number;
  task_id: string;
  user_id: string;
  attempt: number;
  seq: number | null;
  type: string;
  at: string;
  body: string;
};

/** Adds a row and gives its id. Throws SQLITE_CONSTRAINT_UNIQUE where the attempt has an event of this `seq` already. */
export function insertEvent(db: Db, row: Omit<EventRow, 'id'>): number {
  const { lastInsertRowid } = sql(
    db,
    'INSERT INTO events (task_id, user_id, attempt, seq, type, at, body) VALUES (:task_id, :user_id, :attempt, :seq, :type, :at, :body)',
  ).run(row);
  return Number(lastInsertRowid);
}

/** The newest id of the whole log; 0 where it is empty. */
export function newestEventId(db: Db): number {
  const row = sql<{ id: number | null }>(db, 'SELECT max(id) AS id FROM events').get();
  return row?.id ?? 0;
}
