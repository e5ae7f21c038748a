import { TRANSCRIPT_TYPES } from '../../protocol/worker.ts';
import { sql, type Db } from './database.ts';

/** An event of the conversation. `body` is JSON text. */
export type TranscriptRow = { attempt: number; type: string; body: string };

/** The events of attempts 1 to `n` that the conversation is built from, in order. */
export function listTranscript(db: Db, task_id: string, n: number): TranscriptRow[] {
  return sql<TranscriptRow>(
    db,
    `SELECT attempt, type, body FROM events
     WHERE task_id = :task_id AND attempt <= :n AND seq IS NOT NULL AND type IN (SELECT value FROM json_each(:types)) ORDER BY id`,
  ).all({ task_id, n, types: JSON.stringify(TRANSCRIPT_TYPES) });
}
