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

/** The newest id of a user's events; 0 where there are none. */
export function newestEventIdOf(db: Db, user_id: string): number {
  const row = sql<{ id: number | null }>(db, 'SELECT max(id) AS id FROM events WHERE user_id = ?').get(user_id);
  return row?.id ?? 0;
}

/** A row of the log as JSON text. The body is put in as it was stored: it is never parsed on the way out. */
export function eventText(row: EventRow): string {
  const { id, task_id, attempt, seq, type, at, body } = row;
  return `{"id":${id},"task_id":"${task_id}","attempt":${attempt},"seq":${seq},"type":${JSON.stringify(type)},"at":"${at}","body":${body}}`;
}

/**
 * A page of a task's log after an id, oldest first, as JSON texts. It ends at `limit` events, or once it holds `bytes_max` or more. `next`:
 * the id to go on after; null where the page reaches the end.
 */
export function readTaskEvents(
  db: Db,
  page: { task_id: string; after: number; limit: number; bytes_max: number },
): { texts: string[]; next: number | null } {
  const texts: string[] = [];
  let bytes = 0;
  let last = page.after;
  const rows = sql<EventRow>(
    db,
    'SELECT * FROM events INDEXED BY events_by_task WHERE task_id = ? AND id > ? ORDER BY id LIMIT ?',
  );
  for (const row of rows.iterate(page.task_id, page.after, page.limit + 1)) {
    if (texts.length === page.limit || bytes >= page.bytes_max) return { texts, next: last };
    const text = eventText(row);
    texts.push(text);
    bytes += Buffer.byteLength(text);
    last = row.id;
  }
  return { texts, next: null };
}

/** The event of this number in an attempt. */
export function findEventBySeq(
  db: Db,
  task_id: string,
  attempt: number,
  seq: number,
): Pick<EventRow, 'type' | 'at' | 'body'> | undefined {
  return sql<Pick<EventRow, 'type' | 'at' | 'body'>>(
    db,
    'SELECT type, at, body FROM events WHERE task_id = ? AND attempt = ? AND seq = ?',
  ).get(task_id, attempt, seq);
}

/** How much of the log is read at once: rows, and the bytes of their bodies. */
export type PageSize = { rows_max: number; bytes_max: number };

/**
 * A user's events after the cursor `after`, ids ascending: as many as the page holds, and one at least where there are any. `more`: the page
 * was full, and there may be others.
 */
export function readEventsOf(
  db: Db,
  user_id: string,
  after: number,
  size: PageSize,
): { rows: EventRow[]; more: boolean } {
  const rows: EventRow[] = [];
  let bytes = 0;
  const statement = sql<EventRow, [string, number, number]>(
    db,
    'SELECT * FROM events WHERE user_id = ? AND id > ? ORDER BY id LIMIT ?',
  );
  // The rows are read one by one, so that a page of long bodies is never in memory whole.
  for (const row of statement.iterate(user_id, after, size.rows_max)) {
    rows.push(row);
    bytes += row.body.length;
    if (bytes >= size.bytes_max) return { rows, more: true };
  }
  return { rows, more: rows.length === size.rows_max };
}
