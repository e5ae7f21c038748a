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

/** The newest id that the log ever gave out, also if that event was deleted since; 0: none. */
export function newestEventId(db: Db): number {
  return sql<{ seq: number }>(db, `SELECT seq FROM sqlite_sequence WHERE name = 'events'`).get()?.seq ?? 0;
}

/** The newest id of an event that is still in the log; 0: the log is empty. */
export function newestStoredEventId(db: Db): number {
  return sql<{ id: number | null }>(db, 'SELECT max(id) AS id FROM events').get()?.id ?? 0;
}

/** A row of the log as JSON text. The body is put in as it was stored: it is never parsed on the way out. */
export function eventText(row: EventRow): string {
  const { id, task_id, attempt, seq, type, at, body } = row;
  return `{"id":${id},"task_id":"${task_id}","attempt":${attempt},"seq":${seq},"type":${JSON.stringify(type)},"at":"${at}","body":${body}}`;
}

/** The statement of `readTaskEvents`; a test holds it to its index. */
export const READ_TASK_EVENTS = `SELECT * FROM events INDEXED BY events_by_task
   WHERE task_id = :task_id AND id > :after ORDER BY id LIMIT :limit`;

/**
 * A page of a task's log after an id, oldest first. It ends at `limit` events, or once it holds `bytes_max` or more of bodies; `more`:
 * whether anything follows it.
 */
export function readTaskEvents(
  db: Db,
  page: { task_id: string; after: number; limit: number; bytes_max: number },
): { rows: EventRow[]; more: boolean } {
  const { task_id, after, limit, bytes_max } = page;
  const rows: EventRow[] = [];
  let bytes = 0;
  for (const row of sql<EventRow>(db, READ_TASK_EVENTS).iterate({ task_id, after, limit: limit + 1 })) {
    if (rows.length === limit || bytes >= bytes_max) return { rows, more: true };
    rows.push(row);
    bytes += Buffer.byteLength(row.body);
  }
  return { rows, more: false };
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
 * A user's events after the cursor `after`, ids ascending, without those of tasks that are being removed: as many as the page holds. `cursor`: how
 * far it was read, to go on from. `more`: the page was full, and there may be others.
 */
export function readEventsOf(
  db: Db,
  user_id: string,
  after: number,
  size: PageSize,
): { rows: EventRow[]; cursor: number; more: boolean } {
  const rows: EventRow[] = [];
  let [read, bytes, cursor] = [0, 0, after];
  const statement = sql<EventRow & { hidden: number }, [string, number, number]>(
    db,
    `SELECT *, task_id IN (SELECT id FROM removed) AS hidden FROM events INDEXED BY events_by_user
     WHERE user_id = ? AND id > ? ORDER BY id LIMIT ?`,
  );
  // The rows are read one by one, so that a page of long bodies is never in memory whole. Hidden ones count: no page reads more than its size.
  for (const { hidden, ...row } of statement.iterate(user_id, after, size.rows_max)) {
    read += 1;
    cursor = row.id;
    bytes += row.body.length;
    if (hidden === 0) rows.push(row);
    if (bytes >= size.bytes_max) return { rows, cursor, more: true };
  }
  return { rows, cursor, more: read === size.rows_max };
}
