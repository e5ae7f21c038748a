import type { Bodies } from '../../protocol/events.ts';
import { shortBody } from '../domain/short-body.ts';
import { numberOf, sql, type Db } from './database.ts';

/** A row of the log. `body` is JSON text, sent to clients as it is. `seq` is null in events of the coordinator. */
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

const INSERT_ONE = 'INSERT INTO events (task_id, user_id, attempt, seq, type, at, body) VALUES (?, ?, ?, ?, ?, ?, ?)';
/** The rows of one statement: many take a fifth less time than one at a time. */
const ROWS = 20;
const INSERT_ROWS = INSERT_ONE + ', (?, ?, ?, ?, ?, ?, ?)'.repeat(ROWS - 1);

/**
 * Adds rows, in their order, and returns the id of the last one. Their ids are consecutive, since nobody else writes in
 * between. The caller sees to it that an attempt stores each `seq` once, in ascending order.
 */
export function insertEvents(db: Db, rows: Omit<EventRow, 'id'>[]): number {
  let last_id = 0;
  for (let from = 0; from < rows.length;) {
    const count = rows.length - from < ROWS ? 1 : ROWS;
    // Bound by position: by name it takes a tenth longer.
    const values: unknown[] = [];
    for (const { task_id, user_id, attempt, seq, type, at, body } of rows.slice(from, from + count))
      values.push(task_id, user_id, attempt, seq, type, at, body);
    last_id = Number(sql(db, count === 1 ? INSERT_ONE : INSERT_ROWS).run(values).lastInsertRowid);
    from += count;
  }
  return last_id;
}

/** The newest id of a user's events; 0: the user has none. */
export function newestEventIdOf(db: Db, user_id: string): number {
  return numberOf(db, 'SELECT max(id) FROM events WHERE user_id = ?', user_id);
}

/** The newest id that the log has given out, even if its event was deleted since; 0: none. */
export function newestEventId(db: Db): number {
  return numberOf(db, `SELECT seq FROM sqlite_sequence WHERE name = 'events'`);
}

/** The newest id of an event that is still in the log; 0: the log is empty. */
export function newestStoredEventId(db: Db): number {
  return numberOf(db, 'SELECT max(id) FROM events');
}

/**
 * A row of the log as a JSON object in text. The stored body is inserted as it is, without parsing it, unless it is
 * long and `bodies` asks for short ones.
 */
export function eventText(row: EventRow, bodies: Bodies = 'whole'): string {
  const { id, task_id, attempt, seq, type, at } = row;
  const { body, whole_bytes } =
    bodies === 'short' ? shortBody(type, row.body) : { body: row.body, whole_bytes: undefined };
  const whole = whole_bytes === undefined ? '' : `,"whole_bytes":${whole_bytes}`;
  return `{"id":${id},"task_id":"${task_id}","attempt":${attempt},"seq":${seq},"type":${JSON.stringify(type)},"at":"${at}","body":${body}${whole}}`;
}

/** The statement of `readTaskEvents`; a test checks that it uses its index. */
export const READ_TASK_EVENTS = `SELECT * FROM events INDEXED BY events_by_task
   WHERE task_id = :task_id AND id > :after ORDER BY id LIMIT :limit`;

/**
 * A page of a task's events with ids above `after`, oldest first. It ends at `limit` events, or once its bodies reach
 * `bytes_max`. `more`: whether further events follow.
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

/** The statement of `readTaskEventsBefore`; a test checks that it uses its index. */
export const READ_TASK_EVENTS_BEFORE = `SELECT * FROM events INDEXED BY events_by_task
   WHERE task_id = :task_id AND id < :before ORDER BY id DESC LIMIT :limit`;

/**
 * The page of a task's events that ends before the id `before`, oldest first. `more`: whether there are earlier ones.
 */
export function readTaskEventsBefore(
  db: Db,
  page: { task_id: string; before: number; limit: number; bytes_max: number },
): { rows: EventRow[]; more: boolean } {
  const { task_id, before, limit, bytes_max } = page;
  const rows: EventRow[] = [];
  let bytes = 0;
  for (const row of sql<EventRow>(db, READ_TASK_EVENTS_BEFORE).iterate({ task_id, before, limit: limit + 1 })) {
    if (rows.length === limit || bytes >= bytes_max) return { rows: rows.toReversed(), more: true };
    rows.push(row);
    bytes += Buffer.byteLength(row.body);
  }
  return { rows: rows.toReversed(), more: false };
}

/** One event of a task. */
export function findEvent(db: Db, task_id: string, id: number): EventRow | undefined {
  return sql<EventRow>(db, 'SELECT * FROM events WHERE id = ? AND task_id = ?').get(id, task_id);
}

/** What a worker sent as an event. */
export type SentEvent = Pick<EventRow, 'type' | 'at' | 'body'>;

/**
 * The statement of `findEventsBySeq`; a test checks that it uses its indexes. Only each 64th `seq` is in
 * `events_by_seq`.
 */
export const FIND_EVENTS_BY_SEQ = `SELECT type, at, body FROM events INDEXED BY events_by_task
   WHERE task_id = :task_id AND attempt = :attempt AND seq BETWEEN :first AND :last AND id >= (
     SELECT id FROM events INDEXED BY events_by_seq
     WHERE task_id = :task_id AND attempt = :attempt AND seq <= :first AND seq % 64 = 1 ORDER BY seq DESC LIMIT 1
   ) ORDER BY id LIMIT :count`;

/**
 * The events of an attempt from one `seq` to another, in order, each read when it is asked for. All of them must be
 * stored.
 */
export function findEventsBySeq(
  db: Db,
  task_id: string,
  attempt: number,
  first: number,
  last: number,
): IterableIterator<SentEvent> {
  return sql<SentEvent>(db, FIND_EVENTS_BY_SEQ).iterate({ task_id, attempt, first, last, count: last - first + 1 });
}

/** The limits of one page of the log: rows, and bytes of their bodies. */
export type PageSize = { rows_max: number; bytes_max: number };

/**
 * A page of a user's events with ids above `after`, oldest first, without those of tasks that are being deleted.
 * `cursor`: the `after` of the next page. `more`: the page is full, and further events may follow.
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
  // Rows are read one by one, so that reading stops at the limit of bytes. Hidden rows count too: a page reads at
  // most `size`.
  for (const { hidden, ...row } of statement.iterate(user_id, after, size.rows_max)) {
    read += 1;
    cursor = row.id;
    bytes += row.body.length;
    if (hidden === 0) rows.push(row);
    if (bytes >= size.bytes_max) return { rows, cursor, more: true };
  }
  return { rows, cursor, more: read === size.rows_max };
}

/**
 * A page of the whole log with ids above `after`, oldest first: the events of these types. The others count towards
 * `size` by their row alone. `cursor`: the `after` of the next page. `more`: the page is full, and further events may
 * follow.
 */
export function readEventsAfter(
  db: Db,
  after: number,
  types: string[],
  size: PageSize,
): { events: EventRow[]; cursor: number; more: boolean } {
  const events: EventRow[] = [];
  let [read, bytes, cursor] = [0, 0, after];
  const statement = sql<Omit<EventRow, 'body'> & { body: string | null }>(
    db,
    `SELECT id, task_id, user_id, attempt, seq, type, at,
       CASE WHEN type IN (SELECT value FROM json_each(:types)) THEN body END AS body
     FROM events WHERE id > :after ORDER BY id LIMIT :limit`,
  );
  for (const { body, ...row } of statement.iterate({ after, types: JSON.stringify(types), limit: size.rows_max })) {
    read += 1;
    cursor = row.id;
    if (body === null) continue;
    events.push({ ...row, body });
    bytes += body.length;
    if (bytes >= size.bytes_max) return { events, cursor, more: true };
  }
  return { events, cursor, more: read === size.rows_max };
}
