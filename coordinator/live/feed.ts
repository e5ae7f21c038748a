import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { LIMITS } from '../../protocol/limits.ts';
import { CLOSE } from '../../protocol/socket.ts';
import { encode, eventsFrame, stateFrame } from './frames.ts';
import type { Watcher } from './relay.ts';
import type { Db } from '../sqlite/database.ts';
import { newestEventIdOf, readEventsOf } from '../sqlite/events.ts';
import { listStatesOf } from '../sqlite/progress.ts';

export type SocketLimits = Pick<
  { [Name in keyof typeof LIMITS]: number },
  'socket_buffer_bytes_max' | 'socket_stalled_ms' | 'socket_subscribe_ms' | 'socket_ping_ms' | 'sockets_per_user_max'
>;

/** What is read of the log at once, to be sent at once. */
const PAGE = { rows_max: 200, bytes_max: 128 * 1024 };
/** How long a socket has for its side of the closing, before it is cut. */
const CLOSE_MS = 2_000;

/**
 * What one socket is sent, and how far it has got. It is fed from the log, a page at a time and no faster than it reads, until a page is
 * not full; in that same turn it goes live. Nothing can be committed within a turn, so nothing falls between the two, and nothing comes
 * twice. A live socket that reads too slowly goes back to being fed: the log is its buffer.
 */
export class Feed implements Watcher {
  readonly user_id: string;
  /** The log-in that it came by; when that ends, so does the socket. */
  readonly session: string;
  task_id: string | undefined;
  readonly #socket: WebSocket;
  readonly #db: Db;
  readonly #limits: SocketLimits;
  #cursor = 0;
  #live = false;
  #feeding = false;
  #waiting = false;
  #heard = true;

  constructor(socket: WebSocket, who: { user_id: string; session: string }, db: Db, limits: SocketLimits) {
    this.#socket = socket;
    this.user_id = who.user_id;
    this.session = who.session;
    this.#db = db;
    this.#limits = limits;
    socket.on('pong', () => (this.#heard = true));
  }

  /** Feeds the socket from the cursor `after` on, in place of whatever it was sent before. Rejects where the log cannot be read. */
  async subscribe(after: number, task_id: string | undefined): Promise<void> {
    // A cursor of another database may be ahead of this one; what is new here must not be held back by it.
    this.#cursor = Math.min(after, newestEventIdOf(this.#db, this.user_id));
    this.task_id = task_id;
    await this.#feed();
  }

  events(frame: Buffer, last_id: number): void {
    if (!this.#live) return;
    if (this.#isBehind()) {
      this.#feed().catch(() => this.#socket.terminate());
      return;
    }
    this.send(frame);
    this.#cursor = last_id;
  }

  passing(frame: Buffer): void {
    if (this.#live && !this.#isBehind()) this.send(frame);
  }

  send(frame: Buffer): void {
    this.#socket.send(frame, { binary: false });
  }

  /** Answers a frame of the client's. One that asks and asks, and reads no answer, is closed. */
  answer(frame: Buffer): void {
    if (this.#isBehind()) this.close(CLOSE.bad_frame, 'too many bad frames');
    else this.send(frame);
  }

  close(code: number, reason: string): void {
    this.#live = false;
    closeSocket(this.#socket, code, reason);
  }

  /** Says a last word, and resolves when the socket is closed. */
  leave(bye: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#socket.once('close', () => resolve());
      this.send(bye);
      this.close(CLOSE.going_away, 'the server is stopping');
    });
  }

  /** Cuts a socket that has not answered the last ping, and pings it again. One that is being waited for has a limit of its own. */
  ping(): void {
    if (this.#waiting) return;
    if (!this.#heard) return this.#socket.terminate();
    this.#heard = false;
    this.#socket.ping();
  }

  async #feed(): Promise<void> {
    this.#live = false;
    if (this.#feeding) return;
    this.#feeding = true;
    try {
      do {
        await nextTurn();
        await this.#drained();
        if (this.#socket.readyState !== this.#socket.OPEN) return;
      } while (!this.#sendPage());
    } finally {
      this.#feeding = false;
    }
  }

  /** Sends the next page of the log. True: it was the last, and the socket is live. */
  #sendPage(): boolean {
    const { rows, cursor, more } = readEventsOf(this.#db, this.user_id, this.#cursor, PAGE);
    if (rows.length > 0) this.send(eventsFrame(rows));
    this.#cursor = cursor;
    if (more) return false;
    this.send(encode({ type: 'caught_up', cursor: this.#cursor }));
    for (const state of listStatesOf(this.#db, this.user_id)) this.send(stateFrame(state));
    return (this.#live = true);
  }

  #isBehind(): boolean {
    return this.#socket.bufferedAmount > this.#limits.socket_buffer_bytes_max;
  }

  /** Resolves when all that was sent has left this process, or the socket is closed, as it is where that takes too long. */
  async #drained(): Promise<void> {
    if (this.#socket.bufferedAmount === 0) return;
    this.#waiting = true;
    const stalled = setTimeout(() => this.close(CLOSE.too_slow, 'behind for too long'), this.#limits.socket_stalled_ms);
    // The answer to a ping is not needed here: it is the last thing in the buffer, and its callback comes when it has left.
    await new Promise<void>((resolve) => this.#socket.ping(undefined, undefined, () => resolve()));
    clearTimeout(stalled);
    this.#waiting = false;
  }
}

/** Closes a socket with a code, and cuts it where the other side does not answer. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  socket.resume();
  socket.close(code, reason);
  const cut = setTimeout(() => socket.terminate(), CLOSE_MS);
  socket.once('close', () => clearTimeout(cut));
}
