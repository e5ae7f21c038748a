import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import type { LIMITS } from '../../protocol/limits.ts';
import type { TaskChange } from '../../protocol/task.ts';
import { CLOSE } from '../../protocol/socket.ts';
import { SendBuffer } from './back-pressure.ts';
import { encode } from './frames.ts';
import type { Watcher } from './relay.ts';
import { AllStream, TasksStream, type LogStream, type Stream } from './streams.ts';

export type SocketLimits = Pick<
  { [Name in keyof typeof LIMITS]: number },
  | 'socket_buffer_bytes_max'
  | 'socket_stalled_ms'
  | 'socket_subscribe_ms'
  | 'subscribes_per_minute_max'
  | 'socket_ping_ms'
  | 'socket_log_in_check_ms'
  | 'sockets_per_user_max'
  | 'socket_logs_max'
> & { [Name in keyof typeof FRAME_LIMITS]: number };

/**
 * What the clients of one user may send in the long run, over all their sockets, and at once: the bytes of their frames
 * and `FRAME_COST_BYTES` for each. More closes the socket, and so do so many frames that are not valid.
 */
export const FRAME_LIMITS = {
  frame_bytes_per_s_max: 64 * 1024,
  frame_burst_bytes_max: 2 * 1024 * 1024,
  bad_frames_max: 20,
} as const;
/** What a frame takes beside its bytes. */
export const FRAME_COST_BYTES = 1024;

/** How long to wait for the client's close frame before the socket is terminated. */
const CLOSE_MS = 2_000;

/**
 * Sends one socket what it subscribed to. Each of its streams replays page by page, as fast as the client reads, until
 * there is no more; in the same turn of the event loop it goes live. No commit can happen within a turn, so no event is
 * lost or sent twice. A live stream whose client reads too slowly goes back to replay: the log is its buffer.
 */
export class Feed implements Watcher {
  readonly user_id: string;
  /** The session that opened it. When the session ends, the socket is closed. */
  readonly session: string;
  readonly #socket: WebSocket;
  readonly #buffer: SendBuffer;
  #all: AllStream | undefined;
  #tasks: TasksStream | undefined;
  readonly #logs = new Map<string, LogStream>();
  #replaying = false;
  #pong_received = true;
  #last_sign_ms = performance.now();

  constructor(socket: WebSocket, who: { user_id: string; session: string }, limits: SocketLimits) {
    this.#socket = socket;
    this.user_id = who.user_id;
    this.session = who.session;
    this.#buffer = new SendBuffer(socket, limits, () => this.close(CLOSE.too_slow, 'behind for too long'));
    socket.on('pong', () => {
      this.#pong_received = true;
      this.#last_sign_ms = performance.now();
    });
    socket.on('message', () => (this.#last_sign_ms = performance.now()));
  }

  /** When the client last gave a sign of life, in milliseconds of `performance.now()`. */
  get last_sign_ms(): number {
    return this.#last_sign_ms;
  }

  get wantsAll(): boolean {
    return this.#all?.live === true;
  }

  get wantsTasks(): boolean {
    return this.#tasks !== undefined;
  }

  /** How many logs it follows. */
  get logs(): number {
    return this.#logs.size;
  }

  logOf(task_id: string): LogStream | undefined {
    return this.#logs.get(task_id);
  }

  /** Replays the stream, then goes live. It replaces the one to the same. Rejects if a read fails. */
  async subscribe(stream: AllStream | TasksStream | LogStream): Promise<void> {
    if (stream instanceof AllStream) this.#all = stream;
    else if (stream instanceof TasksStream) this.#tasks = stream;
    else this.#logs.set(stream.task_id, stream);
    await this.#replay();
  }

  unsubscribe(scope: 'all' | 'tasks' | 'log', task_id?: string): void {
    if (scope === 'all') this.#all = undefined;
    else if (scope === 'tasks') this.#tasks = undefined;
    else if (task_id === undefined) this.#logs.clear();
    else this.#logs.delete(task_id);
  }

  events(frame: Buffer, last_id: number): void {
    this.#sendLive(this.#all, frame, last_id);
  }

  log(task_id: string, frame: Buffer, last_id: number): void {
    this.#sendLive(this.#logs.get(task_id), frame, last_id);
  }

  tasks(tasks: TaskChange[], frame: Buffer, cursor: number): void {
    const stream = this.#tasks;
    if (stream?.takes !== true) return;
    if (this.#buffer.isFull()) {
      stream.restart();
      this.#replayAgain();
    } else if (stream.live && cursor > 0) {
      this.send(frame);
      stream.cursor = cursor;
    } else if (tasks.length > 0) this.send(encode({ type: 'tasks', cursor: stream.cursor, tasks }));
  }

  removed(task_ids: readonly string[], frame: Buffer): void {
    if (this.#all || this.#tasks || this.#logs.size > 0) this.send(frame);
    for (const id of task_ids) this.#logs.delete(id);
  }

  removedMany(): void {
    const task_ids = [...this.#logs.values()]
      .filter((log) => log.isRemoved(this.user_id))
      .map(({ task_id }) => task_id);
    if (task_ids.length > 0) this.removed(task_ids, encode({ type: 'removed', task_ids }));
    this.#tasks?.startOver((frame) => this.send(frame));
    this.#replayAgain();
  }

  state(task_id: string, frame: Buffer): void {
    if (this.wantsAll || this.#logs.get(task_id)?.live === true) this.#sendTransient(frame);
  }

  wantsDeltas(task_id: string): boolean {
    return (this.wantsAll && this.#all?.task_id === task_id) || this.#logs.get(task_id)?.live === true;
  }

  deltas(frame: Buffer): void {
    this.#sendTransient(frame);
  }

  send(frame: Buffer): void {
    this.#socket.send(frame, { binary: false });
  }

  /** Replies to a client's frame. A client that keeps sending and reads no reply is closed. */
  reply(frame: Buffer): void {
    if (this.#buffer.isFull()) this.close(CLOSE.bad_frame, 'sends frames and reads no reply');
    else this.send(frame);
  }

  close(code: number, reason: string): void {
    this.#all = undefined;
    this.#tasks = undefined;
    this.#logs.clear();
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

  #sendLive(stream: AllStream | LogStream | undefined, frame: Buffer, last_id: number): void {
    if (stream?.live !== true) return;
    if (this.#buffer.isFull()) {
      stream.live = false;
      return this.#replayAgain();
    }
    this.send(frame);
    stream.cursor = last_id;
  }

  #sendTransient(frame: Buffer): void {
    if (!this.#buffer.isFull()) this.send(frame);
  }

  #replayAgain(): void {
    this.#replay().catch(() => this.#socket.terminate());
  }

  /** The light feed comes first: it is small, and shows on the first screen. */
  #next(): Stream | undefined {
    return [this.#tasks, ...this.#logs.values(), this.#all].find((stream) => stream?.live === false);
  }

  async #replay(): Promise<void> {
    if (this.#replaying) return;
    this.#replaying = true;
    try {
      while (this.#next()) {
        await nextTurn();
        await this.#buffer.drained();
        if (this.#socket.readyState !== this.#socket.OPEN) return;
        const stream = this.#next();
        if (stream?.sendPage((frame) => this.send(frame)) === true) stream.live = true;
      }
    } finally {
      this.#replaying = false;
    }
  }
}

/** Closes a socket with a code; terminates it if the client does not answer. */
export function closeSocket(socket: WebSocket, code: number, reason: string): void {
  socket.resume();
  socket.close(code, reason);
  const timeout = setTimeout(() => socket.terminate(), CLOSE_MS);
  socket.once('close', () => clearTimeout(timeout));
}
