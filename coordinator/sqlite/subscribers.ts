import { sql, type Db } from './database.ts';

/*
 * The cursors of durable subscribers of the log. A subscriber handles the events after its cursor, oldest first, and
 * advances the cursor after each one. After a crash it starts at its cursor again: it gets each event at least once,
 * in order.
 */

/** The id of the last event that this subscriber has handled. Undefined: it has none yet. */
export function findSubscriberCursor(db: Db, name: string): number | undefined {
  return sql<{ cursor: number }>(db, 'SELECT cursor FROM subscribers WHERE name = ?').get(name)?.cursor;
}

/**
 * Advances a subscriber's cursor to `cursor`, the id of an event, and adds a new subscriber. `at` is an ISO time.
 * False: the cursor was there already, or further on, and stays.
 */
export function advanceSubscriberCursor(db: Db, name: string, cursor: number, at: string): boolean {
  const { changes } = sql(
    db,
    `INSERT INTO subscribers (name, cursor, updated_at) VALUES (:name, :cursor, :at)
     ON CONFLICT (name) DO UPDATE SET cursor = excluded.cursor, updated_at = excluded.updated_at WHERE excluded.cursor > subscribers.cursor`,
  ).run({ name, cursor, at });
  return changes === 1;
}
