import { LIMITS } from '../../protocol/limits.ts';
import type { Delta, LogEvent } from '../../protocol/events.ts';
import { TaskStatus, type Task, type WaitingFor } from '../../protocol/task.ts';
import { isEnded } from '../../protocol/without-schemas.ts';
import { reconnectMs } from './backoff.ts';
import type { Client } from './client.ts';
import { Connection } from './connection.ts';
import { Failure, isPassing, namedWaitMs, TokenRefused } from './errors.ts';
import { wait } from './wait.ts';

/** A longer wait that the server names is not kept. */
const NAMED_WAIT_MAX_MS = 15 * 60_000;

/** The connection was lost. The next attempt is at `retry_at_ms`. */
type Lost = { type: 'lost'; why: string; retry_at_ms: number };

/** An update on a followed task. */
export type News =
  /** New events of the task's log: each exactly once, ids ascending. */
  | { type: 'events'; events: LogEvent[] }
  /** The current state. */
  | { type: 'state'; waiting_for: WaitingFor | null }
  /** Unfinished text; the event with the same `ref` replaces it. */
  | { type: 'deltas'; deltas: Delta[] }
  | { type: 'connected' }
  | Lost
  /** The server's database was restored from a backup: the log follows again from its start. */
  | { type: 'restored' };

/**
 * Follows a task from its first event until it has ended and all its events have been yielded. Past events are read in
 * pages; the socket brings what comes after its `hello`, so nothing is missed between the two. A lost connection is
 * made again, with backoff or after the wait that the server names, for as long as it takes. Throws `Failure` if that
 * cannot help.
 */
export async function* follow(client: Client, task_id: string, signal: AbortSignal): AsyncGenerator<News> {
  const log = new Cursor(client, task_id);
  let refused: string | undefined;
  for (let failures = 0; ;) {
    let token: string | undefined;
    try {
      if (!log.is_read) yield* log.catchUp();
      if (log.ended) return;
      token = await client.token(refused);
      const { server, openSocket } = client;
      const user_id = await client.userId();
      const connection = new Connection({ server, user_id, token, openSocket }, signal);
      for await (const frame of connection) {
        switch (frame.type) {
          case 'hello':
            if (log.isOfAnother(frame.epoch)) yield { type: 'restored' };
            yield* log.catchUp();
            connection.subscribe({ after: Math.max(frame.cursor, log.id), task_id });
            break;
          case 'events': {
            const events = log.take(frame.events);
            if (events.length > 0) yield { type: 'events', events };
            // Events of the same transaction may be in a later frame.
            if (log.ended) yield* log.catchUp();
            break;
          }
          case 'caught_up':
            failures = 0;
            refused = undefined;
            yield { type: 'connected' };
            break;
          case 'state':
            if (frame.task_id === task_id) yield { type: 'state', waiting_for: frame.waiting_for };
            break;
          case 'delta':
            if (frame.task_id === task_id) yield { type: 'deltas', deltas: frame.deltas };
            break;
          case 'error':
            throw new Failure(`The server did not understand a frame: ${frame.message}`);
          case 'bye':
          case 'tasks':
          case 'removed':
          case 'start_over':
            break;
        }
        if (log.ended) return;
      }
    } catch (error) {
      // Renew a refused token at once. If the new one is refused too, a retry does not help.
      if (error instanceof TokenRefused && refused === undefined) {
        refused = token;
        continue;
      }
      const lost = lostBy(error, ++failures);
      yield lost;
      await wait(lost.retry_at_ms - Date.now(), signal);
    }
  }
}

/** Reads a task that was followed: tries again as `follow` does, and tells of the connection. */
export async function readFollowed(client: Client, id: string, onNews: (news: News) => void): Promise<Task> {
  for (let failures = 0; ;) {
    try {
      const task = await client.call('getTask', { params: { id } });
      if (failures > 0) onNews({ type: 'connected' });
      return task;
    } catch (error) {
      const lost = lostBy(error, ++failures);
      onNews(lost);
      await wait(lost.retry_at_ms - Date.now(), client.signal);
    }
  }
}

/** What an error means that came after this many in a row. Throws the error if another attempt cannot help. */
function lostBy(error: unknown, failures: number): Lost {
  if (!(error instanceof Failure && isPassing(error))) throw error;
  const wait_ms = Math.max(reconnectMs(failures), namedWaitMs(error, NAMED_WAIT_MAX_MS));
  return { type: 'lost', why: error.message, retry_at_ms: Date.now() + wait_ms };
}

/** The position in the task's log. */
class Cursor {
  readonly #client: Client;
  readonly #task_id: string;
  #epoch: string | undefined;
  /** The id of the last event. */
  id = 0;
  ended = false;
  /** Whether the log was read to its end once. */
  is_read = false;

  constructor(client: Client, task_id: string) {
    this.#client = client;
    this.#task_id = task_id;
  }

  /** Reads the log from the position to its end. */
  async *catchUp(): AsyncGenerator<News> {
    for (let more = true; more;) {
      const { items, next_cursor } = await this.#client.call('listEvents', {
        params: { id: this.#task_id },
        query: { after: this.id, limit: LIMITS.page_items_max },
      });
      if (this.#client.epoch !== undefined && this.isOfAnother(this.#client.epoch)) {
        yield { type: 'restored' };
        continue;
      }
      const events = this.take(items);
      if (events.length > 0) yield { type: 'events', events };
      more = next_cursor !== null && events.length > 0;
    }
    this.is_read = true;
  }

  /** Returns the events that belong to the task and are new, and moves the position. */
  take(events: readonly LogEvent[]): LogEvent[] {
    return events.filter((event) => {
      if (event.task_id !== this.#task_id || event.id <= this.id) return false;
      this.id = event.id;
      const status = event.type === 'task.status' ? TaskStatus.safeParse(event.body.to).data : undefined;
      if (status !== undefined) this.ended = isEnded(status);
      return true;
    });
  }

  /** Whether the database's epoch has changed; if so, the position goes back to the start. */
  isOfAnother(epoch: string): boolean {
    const changed = this.#epoch !== undefined && this.#epoch !== epoch;
    this.#epoch = epoch;
    if (changed) {
      this.id = 0;
      this.ended = false;
    }
    return changed;
  }
}
