import { numberOf, sql, type Db } from './database.ts';

/** Where the log of a task ends, and how far its person has read it; 0: no event, not read. */
export type Position = { newest_event_id: number; read_event_id: number };

/** Where a task's log ends, and how far it was read. */
export function positionOf(db: Db, task_id: string): Position {
  return {
    newest_event_id: numberOf(db, 'SELECT max(id) FROM events WHERE task_id = ?', task_id),
    read_event_id: numberOf(db, 'SELECT event_id FROM read_marks WHERE task_id = ?', task_id),
  };
}

/** The same for each of these tasks. */
export function positionsByTask(db: Db, task_ids: readonly string[]): Map<string, Position> {
  const rows = sql<Position & { id: string }>(
    db,
    `SELECT value AS id,
       coalesce((SELECT max(id) FROM events WHERE task_id = value), 0) AS newest_event_id,
       coalesce((SELECT event_id FROM read_marks WHERE task_id = value), 0) AS read_event_id
     FROM json_each(?)`,
  ).all(JSON.stringify(task_ids));
  return new Map(rows.map(({ id, ...position }) => [id, position]));
}

/**
 * Stores that a task's log was read up to this event, or to its newest. A mark never goes back. False: nothing changed.
 */
export function markRead(db: Db, task_id: string, event_id: number): boolean {
  const { changes } = sql(
    db,
    `INSERT INTO read_marks (task_id, event_id)
     SELECT :task_id, min(:event_id, max(id)) FROM events WHERE task_id = :task_id HAVING max(id) IS NOT NULL
     ON CONFLICT (task_id) DO UPDATE SET event_id = excluded.event_id WHERE event_id < excluded.event_id`,
  ).run({ task_id, event_id });
  return changes === 1;
}
