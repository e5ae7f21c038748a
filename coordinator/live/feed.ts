import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { LIMITS } from '../../protocol/limits.ts';
import { CLOSE } from '../../protocol/socket.ts';
import { SendBuffer } from './back-pressure.ts';
import { encode, eventsFrame, stateFrame } from './frames.ts';
import type { Watcher } from './relay.ts';
import type { Db } from '../sqlite/database.ts';
import { newestEventIdOf, readEventsOf } from '../sqlite/events.ts';
import { listStatesOf } from '../sqlite/progress.ts';

export type SocketLimits = Pick<
  { [Name in keyof typeof LIMITS]: number },
  | 'socket_buffer_bytes_max'
  | 'socket_stalled_ms'
  | 'socket_subscribe_ms'
  | 'socket_ping_ms'
  | 'socket_log_in_check_ms'
  | 'sockets_per_user_max'
>;

/** One page of the log: it is read and sent at once. */
const PAGE = { rows_max: 200, bytes_max: 128 * 1024 };
/** How long to wait for the client's close frame before the socket is terminated. */
const CLOSE_MS = 2_000;

/**
 * Sends events to one socket and tracks its cursor. It replays the log page by page, as fast as the client reads, until
 * the log has no more; in the same turn of the event loop it goes live. No commit can happen within a turn, so no event
 * is lost or sent twice. A live socket that reads too slowly goes back to replay: the log is its buffer.
 */
export class Feed implements Watcher {
  readonly user_id: string;
  /** The session that opened it. When the session ends, the socket is closed. */
  readonly session: string;
  task_id: string | undefined;
  readonly #socket: WebSocket;
  readonly #db: Db;
  readonly #buffer: SendBuffer;
  #cursor = 0;
  #live = false;
  #replaying = false;
  #pong_received = true;
  #heard_at_ms = performance.now();

  constructor(socket: WebSocket, who: { user_id: string; session: string }, db: Db, limits: SocketLimits) {
    this.#socket = socket;
    this.user_id = who.user_id;
    this.session = who.session;
    this.#db = db;
    this.#buffer = new SendBuffer(socket, limits, () => this.close(CLOSE.too_slow, 'behind for too long'));
    socket.on('pong', () => {
      this.#pong_received = true;
      this.#heard_at_ms = performance.now();
    });
    socket.on('message', () => (this.#heard_at_ms = performance.now()));
  }

  /** When the client was last heard from, in milliseconds of `performance.now()`. */
  get heard_at_ms(): number {
    return this.#heard_at_ms;
  }

  /**
   * Replays the log after the cursor `after`, then goes live. Replaces an earlier subscription. Rejects if a read
   * fails.
   */
  async subscribe(after: number, task_id: string | undefined): Promise<void> {
    // The cursor may be from another database and ahead of this one; it must not suppress new events.
    this.#cursor = Math.min(after, newestEventIdOf(this.#db, this.user_id));
    this.task_id = task_id;
    await this.#replay();
  }

  events(frame: Buffer, last_id: number): void {
    if (!this.#live) return;
    if (this.#buffer.isFull()) {
      this.#replay().catch(() => this.#socket.terminate());
      return;
    }
    this.send(frame);
    this.#cursor = last_id;
  }

  transient(frame: Buffer): void {
    if (this.#live && !this.#buffer.isFull()) this.send(frame);
  }

  send(frame: Buffer): void {
    this.#socket.send(frame, { binary: false });
  }

  /** Replies to a client's frame. A client that keeps sending and reads no reply is closed. */
  reply(frame: Buffer): void {
    if (this.#buffer.isFull()) this.close(CLOSE.bad_frame, 'too many bad frames');
    else this.send(frame);
  }

  close(code: number, reason: string): void {
    this.#live = false;
    closeSocket(this.#socket, code, reason);
  }

  /** Sends a last frame and closes the socket. Resolves when it is closed. */
  closeWith(bye: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('close', () => resolve());
      this.send(bye);
      this.close(CLOSE.going_away, 'the server is stopping');
    });
  }

  /**
   * Terminates a socket that did not answer the last ping; pings it otherwise. A draining socket has its own timeout.
   */
  ping(): void {
    if (this.#buffer.draining) return;
    if (!this.#pong_received) return this.#socket.terminate();
    this.#pong_received = false;
    this.#socket.ping();
  }

  /** Asks the client for a sign of life, without a consequence if there is none. */
  probe(): void {
    this.#socket.ping();
  }

  async #replay(): Promise<void> {
    this.#live = false;
    if (this.#replaying) return;
    this.#replaying = true;
    try {
      do {
        await nextTurn();
        await this.#buffer.drained();
        if (this.#socket.readyState !== this.#socket.OPEN) return;
      } while (!this.#sendPage());
    } finally {
      this.#replaying = false;
    }
  }

  /** Sends the next page of the log. True: it was the last page, and the socket is live. */
  #sendPage(): boolean {
    const { rows, cursor, more } = readEventsOf(this.#db, this.user_id, this.#cursor, PAGE);
    if (rows.length > 0) this.send(eventsFrame(rows));
    this.#cursor = cursor;
    if (more) return false;
    this.send(encode({ type: 'caught_up', cursor: this.#cursor }));
    for (const state of listStatesOf(this.#db, this.user_id)) this.send(stateFrame(state));
    return (this.#live = true);
  }
}

/** Closes a socket with a code; terminates it if the client does not answer. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  socket.resume();
  socket.close(code, reason);
  const timeout = setTimeout(() => socket.terminate(), CLOSE_MS);
  socket.once('close', () => clearTimeout(timeout));
}
