import { TRANSCRIPT_TYPES } from '../../protocol/worker-schemas.ts';
import { numberOf, sql, type Db } from './database.ts';

/** An event of the conversation. `body` is JSON text. */
export type TranscriptRow = { attempt: number; type: string; body: string };

const EVENTS_OF_TRANSCRIPT = `FROM events INDEXED BY events_by_task
  WHERE task_id = :task_id AND attempt <= :n AND seq IS NOT NULL AND type IN (SELECT value FROM json_each(:types))`;
const types = JSON.stringify(TRANSCRIPT_TYPES);

/** The size of what `listTranscript` returns, with `event_bytes` for each event beside its body. Reads no body. */
export function measureTranscript(db: Db, task_id: string, n: number, event_bytes: number): number {
  const params = { task_id, n, types, event_bytes };
  return numberOf(db, `SELECT total(octet_length(body) + :event_bytes) ${EVENTS_OF_TRANSCRIPT}`, params);
}

/** The events of attempts 1 to `n` that the conversation is built from, in order. Measure them first. */
export function listTranscript(db: Db, task_id: string, n: number): TranscriptRow[] {
  return sql<TranscriptRow>(db, `SELECT attempt, type, body ${EVENTS_OF_TRANSCRIPT} ORDER BY id`).all({
    task_id,
    n,
    types,
  });
}
