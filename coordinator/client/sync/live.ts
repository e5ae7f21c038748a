import type { Delta, LogEvent } from '../../../protocol/events.ts';
import type { WaitingFor, TaskStatus } from '../../../protocol/task.ts';
import type { Client } from '../client.ts';
import { Connection, TokenRefused } from '../connection.ts';
import { Failure, LoggedOut, Unreachable } from '../errors.ts';
import { wait } from '../wait.ts';

/** How current a client is. `since`: in milliseconds since 1970. */
export type LiveState =
  /** Connected, and everything has arrived. */
  | { kind: 'live' }
  /** Connected, and reading what was missed. */
  | { kind: 'catching_up' }
  /** Not connected since then; the next attempt is at `retry_at`. */
  | { kind: 'away'; since: number; retry_at: number; why: string }
  /** The log-in has ended. */
  | { kind: 'logged_out' }
  /** No attempt will help. */
  | { kind: 'failed'; why: string };

/** What gets the news. Each call is awaited before the next. */
export type Receiver = {
  /** The newest event's id and the epoch of the server. Resolves with the cursor to go on from. */
  connected: (hello: { cursor: number; epoch: string }) => Promise<number>;
  events: (events: readonly LogEvent[]) => void | Promise<void>;
  state: (task_id: string, status: TaskStatus, waiting_for: WaitingFor | null) => void;
  deltas: (task_id: string, deltas: readonly Delta[]) => void;
  /** Unfinished text is void. */
  lost: () => void;
};

const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 15_000;

/**
 * Keeps a connection for as long as it runs: connects again with backoff, and at once when `wake` says that the network
 * or the person is back.
 */
export class Live {
  readonly #client: Client;
  readonly #receiver: Receiver;
  readonly #onState: (state: LiveState) => void;
  #task_id: string | undefined;
  #connection: Connection | undefined;
  #cursor = 0;
  #stop: AbortController | undefined;
  #pause: AbortController | undefined;
  #running: Promise<void> = Promise.resolve();

  constructor(client: Client, receiver: Receiver, onState: (state: LiveState) => void) {
    this.#client = client;
    this.#receiver = receiver;
    this.#onState = onState;
  }

  start(): void {
    if (this.#stop) return;
    this.#stop = new AbortController();
    this.#running = this.#run(this.#stop.signal);
  }

  async stop(): Promise<void> {
    this.#stop?.abort();
    this.#stop = undefined;
    await this.#running;
  }

  /** Connects now if there is no connection; else makes sure that the connection still lives. */
  wake(): void {
    this.#pause?.abort();
    this.#connection?.probe();
  }

  /** Asks for the unfinished text of this errand, or of none. */
  watch(task_id: string | undefined): void {
    if (task_id === this.#task_id) return;
    this.#task_id = task_id;
    this.#connection?.subscribe(this.#cursor, task_id);
  }

  async #run(signal: AbortSignal): Promise<void> {
    let refused: string | undefined;
    let lost_at: number | undefined;
    for (let failures = 0; !signal.aborted;) {
      let token: string | undefined;
      try {
        token = await this.#client.token(refused);
        await this.#follow(token, signal, () => {
          failures = 0;
          refused = undefined;
          lost_at = undefined;
        });
      } catch (error) {
        if (signal.aborted) return;
        this.#receiver.lost();
        if (error instanceof TokenRefused && refused === undefined) {
          refused = token;
          continue;
        }
        if (error instanceof LoggedOut || error instanceof TokenRefused) return this.#onState({ kind: 'logged_out' });
        if (!(error instanceof Unreachable)) return this.#onState({ kind: 'failed', why: wordsOf(error) });
        const wait_ms = Math.min(BACKOFF_FIRST_MS * 2 ** failures++, BACKOFF_MAX_MS) * (0.5 + Math.random() / 2);
        lost_at ??= Date.now();
        this.#onState({ kind: 'away', since: lost_at, retry_at: Date.now() + wait_ms, why: error.message });
        await this.#waitOrWake(wait_ms, signal);
      }
    }
  }

  /** Follows one connection until it ends, and rejects with why. */
  async #follow(token: string, signal: AbortSignal, onLive: () => void): Promise<void> {
    const { server, user_id, openSocket } = this.#client;
    const connection = new Connection({ server, user_id, token, openSocket }, signal);
    try {
      for await (const frame of connection) {
        switch (frame.type) {
          case 'hello':
            this.#onState({ kind: 'catching_up' });
            this.#cursor = await this.#receiver.connected(frame);
            connection.subscribe(this.#cursor, this.#task_id);
            this.#connection = connection;
            break;
          case 'events':
            await this.#receiver.events(frame.events);
            this.#cursor = Math.max(this.#cursor, frame.events.at(-1)?.id ?? 0);
            break;
          case 'caught_up':
            onLive();
            this.#onState({ kind: 'live' });
            break;
          case 'state':
            this.#receiver.state(frame.task_id, frame.status, frame.waiting_for);
            break;
          case 'delta':
            this.#receiver.deltas(frame.task_id, frame.deltas);
            break;
          case 'error':
            throw new Failure(`The server did not understand a frame: ${frame.message}`);
          case 'bye':
            break;
        }
      }
    } finally {
      this.#connection = undefined;
    }
  }

  async #waitOrWake(wait_ms: number, signal: AbortSignal): Promise<void> {
    this.#pause = new AbortController();
    await wait(wait_ms, AbortSignal.any([signal, this.#pause.signal])).catch(() => undefined);
    this.#pause = undefined;
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
