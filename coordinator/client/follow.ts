import { setTimeout as delay } from 'node:timers/promises';
import { LIMITS } from '../../protocol/limits.ts';
import type { Delta, LogEvent } from '../../protocol/events.ts';
import { isEnded, TaskStatus, type WaitingFor } from '../../protocol/task.ts';
import type { Client } from './client.ts';
import { connect, TokenRefused } from './connection.ts';
import { Failure, Unreachable } from './errors.ts';

/** What a watcher is told, in order. */
export type News =
  /** New rows of the task's log: each once, ids ascending. */
  | { type: 'events'; events: LogEvent[] }
  /** How the task stands now. */
  | { type: 'state'; waiting_for: WaitingFor | null }
  /** Text as it is written; the event with the same `ref` replaces it. */
  | { type: 'deltas'; deltas: Delta[] }
  | { type: 'connected' }
  /** The connection is lost, and is made again at `retry_at_ms`. */
  | { type: 'lost'; why: string; retry_at_ms: number }
  /** The server has another database than before: the log comes again, from its start. */
  | { type: 'restored' };

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 15_000;

/**
 * All that happens to a task, from its first event until it has ended and everything has been told. The past is read by pages; the socket
 * brings what is newer than its `hello`, so that nothing is missed between the two. A connection that is lost is made again for as long as it
 * takes. Throws `Failure` where there is no point in that.
 */
export async function* follow(client: Client, task_id: string, signal: AbortSignal): AsyncGenerator<News> {
  const log = new Cursor(client, task_id);
  yield* log.catchUp();
  let refused: string | undefined;
  for (let failures = 0; !log.ended;) {
    let token: string | undefined;
    try {
      token = await client.token(refused);
      for await (const { frame, answer } of connect(client.server, client.user_id, token, signal)) {
        switch (frame.type) {
          case 'hello':
            if (log.isOfAnother(frame.epoch)) yield { type: 'restored' };
            yield* log.catchUp();
            answer({ type: 'subscribe', after: Math.max(frame.cursor, log.id), task_id });
            break;
          case 'events': {
            const events = log.take(frame.events);
            if (events.length > 0) yield { type: 'events', events };
            // What was stored together with the end may be in a later frame.
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
            throw new Failure(`The server did not understand this command line: ${frame.message}`);
          case 'bye':
            break;
        }
        if (log.ended) return;
      }
    } catch (error) {
      // A token that is refused once is renewed at once; one that is refused anew is no better later.
      if (error instanceof TokenRefused && refused === undefined) {
        refused = token;
        continue;
      }
      if (!(error instanceof Unreachable)) throw error;
      const wait_ms = Math.min(BACKOFF_FIRST_MS * 2 ** failures, BACKOFF_MAX_MS) * (0.5 + Math.random() / 2);
      failures++;
      yield { type: 'lost', why: error.message, retry_at_ms: Date.now() + wait_ms };
      await delay(wait_ms, undefined, { signal });
    }
  }
}

/** How far the task's log is known. */
class Cursor {
  readonly #client: Client;
  readonly #task_id: string;
  #epoch: string | undefined;
  /** The newest event that is known. */
  id = 0;
  ended = false;

  constructor(client: Client, task_id: string) {
    this.#client = client;
    this.#task_id = task_id;
  }

  /** Reads what the log has beyond what is known, to its end. */
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
  }

  /** Those of the events that belong to the task and are new. */
  take(events: readonly LogEvent[]): LogEvent[] {
    return events.filter((event) => {
      if (event.task_id !== this.#task_id || event.id <= this.id) return false;
      this.id = event.id;
      const status = event.type === 'task.status' ? TaskStatus.safeParse(event.body.to).data : undefined;
      if (status !== undefined) this.ended = isEnded(status);
      return true;
    });
  }

  /** Whether the epoch is not the one that the cursor belongs to; then the cursor starts anew. */
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
