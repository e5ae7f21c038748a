import type { Delta } from '../../protocol/events.ts';
import type { ServerFrame } from '../../protocol/socket.ts';
import { waitingFor } from '../domain/waiting-for.ts';
import { eventText, type EventRow } from '../sqlite/events.ts';
import type { StateRow } from '../sqlite/progress.ts';

/*
 * The frames of the client's socket as bytes. A frame is built once and shared by all sockets that it goes to; what is stored as JSON text
 * is put in as it is.
 */

/** An `events` frame of these rows. */
export function eventsFrame(rows: EventRow[]): Buffer {
  return Buffer.from(`{"type":"events","events":[${rows.map(eventText).join(',')}]}`);
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

/** Cuts rows into runs whose bodies are at most `bytes_max` long together, or are a single row. */
export function* runsOf(rows: EventRow[], bytes_max: number): Generator<EventRow[]> {
  let run: EventRow[] = [];
  let bytes = 0;
  for (const row of rows) {
    if (run.length > 0 && bytes + row.body.length > bytes_max) {
      yield run;
      run = [];
      bytes = 0;
    }
    run.push(row);
    bytes += row.body.length;
  }
  if (run.length > 0) yield run;
}
