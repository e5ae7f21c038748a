import { TRANSCRIPT_TYPES } from '../../protocol/worker-schemas.ts';
import { sql, type Db } from './database.ts';
import type { PageSize } from './events.ts';

/** An event of the conversation. `body` is JSON text. */
export type TranscriptRow = { attempt: number; type: string; body: string };

type Read = { id: number; attempt: number; type: string; body: string | null };

/** The statement of `readTranscript`; a test checks that it uses its index. */
export const READ_TRANSCRIPT = `SELECT id, attempt, type,
    CASE WHEN attempt <= :n AND seq IS NOT NULL AND type IN (SELECT value FROM json_each(:types)) THEN body END AS body
  FROM events INDEXED BY events_by_task
  WHERE task_id = :task_id AND id > :after AND id <= :until ORDER BY id LIMIT :limit`;
const types = JSON.stringify(TRANSCRIPT_TYPES);

/**
 * A page of the events of attempts 1 to `n` that the conversation is built from, in order, with ids above `after` and
 * up to `until`. A task may have millions of other events: they count towards `size` too, by their row alone. `cursor`:
 * the `after` of the next page. `more`: the page is full, and further events may follow.
 */
export function readTranscript(
  db: Db,
  { task_id, n, after, until, size }: { task_id: string; n: number; after: number; until: number; size: PageSize },
): { rows: TranscriptRow[]; cursor: number; more: boolean } {
  const rows: TranscriptRow[] = [];
  let [read, bytes, cursor] = [0, 0, after];
  const params = { task_id, n, after, until, types, limit: size.rows_max };
  for (const { id, attempt, type, body } of sql<Read>(db, READ_TRANSCRIPT).iterate(params)) {
    read += 1;
    cursor = id;
    if (body === null) continue;
    rows.push({ attempt, type, body });
    bytes += Buffer.byteLength(body);
    if (bytes >= size.bytes_max) return { rows, cursor, more: true };
  }
  return { rows, cursor, more: read === size.rows_max };
}
