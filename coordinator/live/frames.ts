import type { Bodies, Delta } from '../../protocol/events.ts';
import type { ServerFrame } from '../../protocol/socket.ts';
import { waitingFor } from '../domain/waiting-for.ts';
import { eventText, type EventRow } from '../sqlite/events.ts';
import type { StateRow } from '../sqlite/progress.ts';

/*
 * Encodes the frames of the client's socket. A frame is built once and shared by all its sockets; event bodies are
 * stored as JSON text and inserted without parsing.
 */

/** Encodes an `events` frame of all tasks. */
export function eventsFrame(rows: EventRow[]): Buffer {
  return Buffer.from(`{"type":"events","events":[${rows.map((row) => eventText(row)).join(',')}]}`);
}

/** Encodes an `events` frame of the log of one task. */
export function logFrame(task_id: string, bodies: Bodies, rows: EventRow[]): Buffer {
  const events = rows.map((row) => eventText(row, bodies)).join(',');
  return Buffer.from(`{"type":"events","scope":"log","task_id":"${task_id}","events":[${events}]}`);
}

export function stateFrame(state: StateRow): Buffer {
  return encode({ type: 'state', task_id: state.id, status: state.status, waiting_for: waitingFor(state) });
}

export function deltaFrame(task_id: string, attempt: number, deltas: Delta[]): Buffer {
  return encode({ type: 'delta', task_id, attempt, deltas });
}

export function encode(frame: ServerFrame): Buffer {
  return Buffer.from(JSON.stringify(frame));
}

/** Splits rows into batches of at most `bytes_max` in total; a larger row is a batch by itself. */
export function* batchesOf(rows: EventRow[], bytes_max: number): Generator<EventRow[]> {
  let batch: EventRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (batch.length > 0 && bytes + row.body.length > bytes_max) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(row);
    bytes += row.body.length;
  }
  if (batch.length > 0) yield batch;
}
