import { WebSocket } from 'ws';
import type { LogEvent } from '../../protocol/events.ts';
import { CLOSE, ServerFrame } from '../../protocol/socket.ts';

const RECONNECT_MS = 30;

type Hello = Extract<ServerFrame, { type: 'hello' }>;

/**
 * A client like a phone: it holds a socket, reconnects with its cursor when the connection breaks, and keeps all
 * frames. It checks every frame against the protocol.
 */
export class Phone {
  readonly events: LogEvent[] = [];
  readonly frames: ServerFrame[] = [];
  /** The number of reconnects. */
  cuts = 0;
  hello: Hello | undefined;
  readonly #url: string;
  readonly #token: () => string;
  readonly #task_id: string | undefined;
  readonly #renew: (() => Promise<void>) | undefined;
  readonly #waiting = new Set<() => void>();
  #socket: WebSocket | undefined;
  #closed = false;
  #failure: Error | undefined;

  /**
   * `url`: the server's; `task_id`: the task whose deltas it subscribes to; `renew`: gets another token where the
   * server refuses this one. Without it, that refusal is the end.
   */
  constructor(
    url: string,
    user_id: string,
    token: () => string,
    { task_id, renew }: { task_id?: string | undefined; renew?: () => Promise<void> } = {},
  ) {
    this.#url = `${url.replace(/^http/, 'ws')}/ws/${user_id}`;
    this.#token = token;
    this.#task_id = task_id;
    this.#renew = renew;
    this.#connect();
  }

  get cursor(): number {
    return this.events.at(-1)?.id ?? 0;
  }

  /** Breaks the connection without a close frame. It reconnects at once. */
  cut(): void {
    this.#socket?.terminate();
  }

  /** Resolves when `reached` returns true; rejects after `limit_ms` with the types of all events. */
  async until(reached: (phone: Phone) => boolean, limit_ms = 60_000): Promise<void> {
    const deadline = performance.now() + limit_ms;
    while (!reached(this)) {
      if (this.#failure) throw this.#failure;
      const left = deadline - performance.now();
      if (left <= 0)
        throw new Error(`Timed out after ${limit_ms} ms. Events: ${this.events.map((event) => event.type).join(' ')}`);
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#waiting.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, left);
        this.#waiting.add(wake);
      });
    }
  }

  close(): void {
    this.#closed = true;
    this.#socket?.terminate();
  }

  #connect(): void {
    const socket = new WebSocket(this.#url, ['errand.v1', `bearer.${this.#token()}`]);
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#take(ServerFrame.parse(JSON.parse(data.toString('utf8')))));
    socket.on('error', () => undefined); // A close follows each error.
    socket.on('close', (code) => {
      if (this.#closed) return;
      if (code === CLOSE.unauthenticated && this.#renew) return void this.#renew().then(this.#reconnect, this.#fail);
      if (code >= 4400) return this.#fail(new Error(`The server closed the socket with ${code}.`));
      this.#reconnect();
    });
  }

  #take(frame: ServerFrame): void {
    this.frames.push(frame);
    if (frame.type === 'hello') {
      this.hello = frame;
      const task = this.#task_id === undefined ? {} : { task_id: this.#task_id };
      this.#socket?.send(JSON.stringify({ type: 'subscribe', after: this.cursor, ...task }));
    }
    if (frame.type === 'events') this.events.push(...frame.events);
    for (const wake of this.#waiting) wake();
  }

  readonly #reconnect = (): void => {
    this.cuts++;
    // A stopped server refuses at once; a busy loop of reconnects would slow down its restart.
    setTimeout(() => this.#closed || this.#connect(), RECONNECT_MS);
  };

  readonly #fail = (error: Error): void => {
    this.#failure = error;
    for (const wake of this.#waiting) wake();
  };
}
