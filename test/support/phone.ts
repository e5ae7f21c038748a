import { WebSocket } from 'ws';
import type { LogEvent } from '../../protocol/events.ts';
import { ServerFrame } from '../../protocol/socket.ts';

type Hello = Extract<ServerFrame, { type: 'hello' }>;

/**
 * A client as a phone is one: it holds a socket, keeps its cursor, comes back with it when the network was cut, and keeps what it saw.
 * Every frame is checked against the protocol.
 */
export class Phone {
  readonly events: LogEvent[] = [];
  readonly frames: ServerFrame[] = [];
  /** How often it had to come back. */
  cuts = 0;
  hello: Hello | undefined;
  readonly #url: string;
  readonly #token: () => string;
  readonly #task_id: string | undefined;
  readonly #waiting = new Set<() => void>();
  #socket: WebSocket | undefined;
  #closed = false;
  #failure: Error | undefined;

  /** `url`: the server's; `task_id`: the task whose deltas it wants. */
  constructor(url: string, user_id: string, token: () => string, task_id?: string) {
    this.#url = `${url.replace(/^http/, 'ws')}/ws/${user_id}`;
    this.#token = token;
    this.#task_id = task_id;
    this.#connect();
  }

  get cursor(): number {
    return this.events.at(-1)?.id ?? 0;
  }

  /** Breaks the connection without a word, as a tunnel does. It comes back at once. */
  cut(): void {
    this.#socket?.terminate();
  }

  /** Resolves once `reached` says yes; rejects after `limit_ms`, with what was seen. */
  async until(reached: (phone: Phone) => boolean, limit_ms = 60_000): Promise<void> {
    const deadline = performance.now() + limit_ms;
    while (!reached(this)) {
      if (this.#failure) throw this.#failure;
      const left = deadline - performance.now();
      if (left <= 0)
        throw new Error(`It did not come about. Seen: ${this.events.map((event) => event.type).join(' ')}`);
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
      if (code >= 4400) return this.#fail(new Error(`The server closed the socket with ${code}.`));
      this.cuts++;
      // A server that is away refuses at once: asking it without a pause would keep the machine from starting it.
      setTimeout(() => this.#closed || this.#connect(), 5);
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

  #fail(error: Error): void {
    this.#failure = error;
    for (const wake of this.#waiting) wake();
  }
}
