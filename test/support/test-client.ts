import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { ServerFrame } from '../../protocol/socket.ts';
import { SUBPROTOCOL } from '../../protocol/socket.ts';

/** A client's socket that keeps all frames. */
export class TestClient {
  readonly socket: WebSocket;
  readonly frames: ServerFrame[] = [];
  closed: { code: number; reason: string } | undefined;
  readonly #changed = new Set<() => void>();

  constructor(url: string, user_id: string, protocols = [SUBPROTOCOL, `bearer.${user_id}`]) {
    this.socket = new WebSocket(`${url}/${user_id}`, protocols, { perMessageDeflate: false });
    this.socket.on('message', (data: Buffer) => {
      this.frames.push(JSON.parse(data.toString()));
      this.#tell();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#tell();
    });
  }

  /** Connects, waits for the hello and subscribes. */
  static async subscribe(url: string, user_id: string, after = 0, task_id?: string): Promise<TestClient> {
    const client = new TestClient(url, user_id);
    await client.until(() => client.of('hello').length === 1);
    client.say({ type: 'subscribe', after, ...(task_id !== undefined && { task_id }) });
    return client;
  }

  say(frame: unknown): void {
    this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  of<T extends ServerFrame['type']>(type: T): Extract<ServerFrame, { type: T }>[] {
    return this.frames.filter((frame): frame is Extract<ServerFrame, { type: T }> => frame.type === type);
  }

  /** The ids of all events, in the order of arrival. */
  ids(): number[] {
    return this.of('events').flatMap((frame) => frame.events.map((event) => event.id));
  }

  /** Resolves when the condition is true. It is checked after each frame and after the close. */
  async until(condition: () => boolean, ms = 60_000): Promise<void> {
    const over = AbortSignal.timeout(ms);
    while (!condition()) {
      if (over.aborted) throw new Error(`Timed out after ${ms} ms: ${condition.toString()}`);
      await new Promise<void>((resolve) => {
        const done = () => {
          this.#changed.delete(done);
          over.removeEventListener('abort', done);
          resolve();
        };
        this.#changed.add(done);
        over.addEventListener('abort', done);
      });
    }
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    this.socket.terminate();
    await once(this.socket, 'close');
  }

  #tell(): void {
    for (const done of this.#changed) done();
  }
}
