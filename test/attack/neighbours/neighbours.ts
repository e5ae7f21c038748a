import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { z } from 'zod';
import type { Session } from '../../../protocol/accounts.ts';
import type { LogEvent } from '../../../protocol/events.ts';
import { ServerFrame } from '../../../protocol/socket.ts';
import { isEnded } from '../../../protocol/task.ts';
import type { Api } from '../../support/api.ts';
import { until } from '../../support/until.ts';

/** What people wait for: how long it takes from a POST to its frame on the socket, in milliseconds. */
export type Waits = { count: number; failed: number; p50: number; p99: number; worst: number };

const EVERY_MS = 100;
/** A message whose frame does not come in this time has failed. */
const FRAME_MS = 30_000;
const Received = z.object({ message_id: z.string() });

/**
 * Errands of other people that go on, each with a worker in a container, and somebody who writes to them and watches.
 */
export class Neighbours {
  readonly #url: string;
  readonly #api: Api;
  readonly #ids: string[];
  #session: Session;
  #cursor = 0;
  /** When the frame of each message came. */
  readonly #came = new Map<string, number>();

  private constructor(url: string, api: Api, session: Session, ids: string[]) {
    this.#url = url;
    this.#api = api;
    this.#session = session;
    this.#ids = ids;
  }

  /** Starts this many errands of a project. Resolves once all have a worker that has begun. */
  static async start(url: string, api: Api, session: Session, project_id: string, count: number): Promise<Neighbours> {
    const ids: string[] = [];
    for (let i = 0; i < count; i++) {
      const body = { prompt: `Work on part ${i}.`, project_id, budget_usd: 100, max_turns: 1000 };
      ids.push((await api.call('createTask', { body })).id);
    }
    for (const id of ids)
      await until(
        `errand ${id} is at work`,
        async () => (await api.call('getTask', { params: { id } })).usage.output_tokens > 0,
        300_000,
      );
    return new Neighbours(url, api, session, ids);
  }

  /** Writes to the errands in turn for so long, and measures how long each message takes to the socket. */
  async measure(ms: number): Promise<Waits> {
    const socket = await this.#watch();
    const end = performance.now() + ms;
    const sent: Promise<number | undefined>[] = [];
    for (let i = 0; performance.now() < end; i++) {
      sent.push(this.#sendOne(this.#ids[i % this.#ids.length] ?? ''));
      await delay(EVERY_MS);
    }
    const waits = await Promise.all(sent);
    socket.terminate();
    const done = waits.filter((wait) => wait !== undefined).toSorted((a, b) => a - b);
    const at = (share: number) => done[Math.min(done.length - 1, Math.floor(done.length * share))] ?? Infinity;
    return { count: waits.length, failed: waits.length - done.length, p50: at(0.5), p99: at(0.99), worst: at(1) };
  }

  /** Resolves with the statuses of all errands once they have ended. */
  async ended(): Promise<string[]> {
    (await this.#watch()).terminate();
    const statuses: string[] = [];
    for (const id of this.#ids) {
      const read = () => this.#api.call('getTask', { params: { id } });
      await until(`errand ${id} has ended`, async () => isEnded((await read()).status), 180_000).catch(() => undefined);
      const { status, detail } = await read();
      statuses.push(status === 'succeeded' ? status : `${status}: ${detail}`);
    }
    return statuses;
  }

  /** Logs in anew, since a log-in is short, and follows all events from the last one on. */
  async #watch(): Promise<WebSocket> {
    const body = { refresh_token: this.#session.refresh_token };
    this.#session = await this.#api.call('refresh', { body });
    this.#api.token = this.#session.access_token;
    const protocols = ['errand.v1', `bearer.${this.#session.access_token}`];
    const socket = new WebSocket(`${this.#url.replace(/^http/, 'ws')}/ws/${this.#session.user.id}`, protocols);
    let caught_up = false;
    socket.on('message', (data: Buffer) => {
      const frame = ServerFrame.parse(JSON.parse(data.toString('utf8')));
      if (frame.type === 'hello') socket.send(JSON.stringify({ type: 'subscribe', after: this.#cursor }));
      if (frame.type === 'caught_up') caught_up = true;
      if (frame.type === 'events') this.#take(frame.events);
    });
    await until('the socket has caught up', () => caught_up, 60_000);
    return socket;
  }

  async #sendOne(id: string): Promise<number | undefined> {
    const began = performance.now();
    try {
      const sent = await this.#api.call('createMessage', { params: { id }, body: { text: 'Go on.' } });
      await until('its frame has come', () => this.#came.has(sent.message_id), FRAME_MS);
      return (this.#came.get(sent.message_id) ?? Infinity) - began;
    } catch {
      return undefined;
    }
  }

  #take(events: LogEvent[]): void {
    const now = performance.now();
    for (const { id, type, body } of events) {
      this.#cursor = id;
      if (type === 'message.received') this.#came.set(Received.parse(body).message_id, now);
    }
  }
}
