import { sql, type Db } from './database.ts';

type Step = { seq: number; body: string };

/** The newest event of one of these types in an attempt. `body` is JSON text. */
export function findNewestEvent(db: Db, task_id: string, attempt: number, types: readonly string[]): Step | undefined {
  return sql<Step>(
    db,
    `SELECT seq, body FROM events
     WHERE task_id = :task_id AND attempt = :attempt AND seq IS NOT NULL AND type IN (SELECT value FROM json_each(:types))
     ORDER BY seq DESC LIMIT 1`,
  ).get({ task_id, attempt, types: JSON.stringify(types) });
}
