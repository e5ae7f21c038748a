import type { Delta, LogEvent } from '../../../protocol/events.ts';
import type { ServerFrame } from '../../../protocol/socket.ts';
import type { TaskChange } from '../../../protocol/task.ts';
import { reconnectMs } from '../backoff.ts';
import type { Client } from '../client.ts';
import type { Connection } from '../connection.ts';
import { Displaced, Failure, Incomplete, Intercepted, LoggedOut, Moved, namedWaitMs, TokenRefused } from '../errors.ts';
import { loadWire } from '../load-wire.ts';
import { wait } from '../wait.ts';

/** How current a client is. `since`: in milliseconds since 1970. */
export type LiveState =
  /** Connected, and everything has arrived. */
  | { kind: 'live' }
  /** Connected since then, and reading what was missed. */
  | { kind: 'catching_up'; since: number }
  /**
   * Not connected since then because of `error`; the next attempt is at `retry_at`. `intercepted`: a proxy in front of
   * the server answers in its place, and seems to want a log-in of its own.
   */
  | { kind: 'away'; since: number; retry_at: number; error: Error; intercepted: boolean }
  /** The log-in has ended. */
  | { kind: 'logged_out' }
  /** No attempt is made by itself, but `wake` makes one. */
  | { kind: 'failed'; error: Error };

/** The newest event's id and the epoch of the server. */
export type Hello = { cursor: number; epoch: string };

/** What gets the news. Each call is awaited before the next. `signal`: aborts when the connection has ended. */
export type Receiver = {
  /** Where to go on from in the light feed. */
  tasksAfter: (hello: Hello) => number;
  /** Reads what was missed. Resolves with where to go on from in the logs of the open errands, by their ids. */
  connected: (hello: Hello, signal: AbortSignal) => Promise<ReadonlyMap<string, number>>;
  /** What changed of errands. All that happened up to `cursor` is known then. */
  changed: (tasks: readonly TaskChange[], cursor: number, signal: AbortSignal) => Promise<void>;
  removed: (task_ids: readonly string[]) => Promise<void>;
  /** The list of errands is void; all of them follow. */
  startOver: () => Promise<void>;
  /** New events of the open errand. */
  events: (task_id: string, events: readonly LogEvent[]) => Promise<void>;
  deltas: (task_id: string, deltas: readonly Delta[]) => void;
  /** Unfinished text is void. */
  lost: () => void;
};

/** Names the light feed among what has not caught up. */
const TASKS = 'tasks';
/** A longer wait that the server names is not kept: the person would look at an old list. */
const NAMED_WAIT_MAX_MS = 60_000;
/** The longest wait that a timer takes: 24 days. */
const FOREVER_MS = 2 ** 31 - 1;

/**
 * Keeps a connection for as long as it runs: connects again with backoff whatever the fault, since a proxy, the server
 * or the device's storage may recover; and at once when `wake` says that the network or the person is back.
 */
export class Live {
  readonly #client: Client;
  readonly #receiver: Receiver;
  readonly #onState: (state: LiveState) => void;
  #connection: Connection | undefined;
  /** Since when what was missed is being read, while it is. */
  #reads_since: number | undefined;
  /** What has not caught up yet: the ids of errands, and `TASKS`. */
  #behind = new Set<string>();
  /** Tells that nothing is behind. */
  #onCaughtUp: () => void = () => undefined;
  #stop: AbortController | undefined;
  #pause: AbortController | undefined;
  /** The next attempt does not wait: `wake` has ended the one before. */
  #hurried = false;
  /** Whether a proxy's log-in answered last. */
  #intercepted = false;
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

  /** Connects now if there is no connection; else makes sure that the connection still lives, or will soon. */
  wake(): void {
    this.#pause?.abort();
    this.#client.hurry();
    if (this.#connection?.hurry(this.#reads_since) === false) this.#hurried = true;
  }

  /** Follows the log of an errand, which is known up to `after`, until `leave`. */
  follow(task_id: string, after: number): void {
    this.#connection?.subscribe({ scope: 'log', task_id, after });
  }

  leave(task_id: string): void {
    this.#connection?.leaveLog(task_id);
    this.#waitNoMore(task_id);
  }

  async #run(signal: AbortSignal): Promise<void> {
    let refused: string | undefined;
    let lost_at: number | undefined;
    for (let failures = 0; !signal.aborted;) {
      let token: string | undefined;
      try {
        token = await this.#client.token(refused, signal);
        await this.#follow(token, signal, () => {
          failures = 0;
          this.#intercepted = false;
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
        lost_at ??= Date.now();
        if (needsPerson(error)) {
          this.#onState({ kind: 'failed', error: asError(error) });
          await this.#untilWake(signal);
          continue;
        }
        await this.#stayAway(error, { since: lost_at, failures: ++failures }, signal);
      }
    }
  }

  /** Waits before the next attempt. Asks meanwhile who answers: browsers say of a failed socket only that it failed. */
  async #stayAway(
    error: unknown,
    { since, failures }: { since: number; failures: number },
    signal: AbortSignal,
  ): Promise<void> {
    const wait_ms = Math.max(reconnectMs(failures), namedWaitMs(error, NAMED_WAIT_MAX_MS));
    const retry_at = Date.now() + wait_ms;
    const show = (why: Error) =>
      this.#onState({ kind: 'away', since, retry_at, error: why, intercepted: this.#intercepted });
    if (error instanceof Intercepted) this.#intercepted = true;
    show(asError(error));
    const over = new AbortController();
    void this.#askWhoAnswers(show, AbortSignal.any([signal, over.signal]));
    await this.#untilWake(signal, wait_ms);
    over.abort();
  }

  /** Shows why, where a proxy answers in place of the server. */
  async #askWhoAnswers(show: (why: Error) => void, signal: AbortSignal): Promise<void> {
    try {
      await this.#client.call('healthz', {}, { signal });
    } catch (error) {
      if (signal.aborted || !(error instanceof Intercepted)) return;
      this.#intercepted = true;
      show(error);
    }
  }

  /** Follows one connection until it ends, and rejects with why. */
  async #follow(token: string, signal: AbortSignal, onLive: () => void): Promise<void> {
    const { server, user_id, openSocket } = this.#client;
    const wire = await loadWire();
    signal.throwIfAborted();
    const connection = new wire.Connection({ server, user_id, token, openSocket }, signal);
    this.#connection = connection;
    this.#onCaughtUp = () => {
      onLive();
      this.#onState({ kind: 'live' });
    };
    try {
      for await (const frame of connection) {
        if (frame.type === 'hello') await this.#subscribe(connection, frame);
        else await this.#take(frame, connection.over);
        if (frame.type === 'caught_up' && this.#behind.size === 0) this.#onCaughtUp();
      }
    } finally {
      this.#connection = undefined;
      this.#reads_since = undefined;
      this.#behind.clear();
    }
  }

  async #subscribe(connection: Connection, hello: Hello): Promise<void> {
    this.#reads_since = Date.now();
    this.#onState({ kind: 'catching_up', since: this.#reads_since });
    // At once: the server closes a socket without a subscription, and to read what was missed may take long.
    connection.subscribe({ scope: 'tasks', after: this.#receiver.tasksAfter(hello) });
    const logs = await this.#receiver.connected(hello, connection.over);
    this.#reads_since = undefined;
    this.#behind = new Set([TASKS, ...logs.keys()]);
    for (const [task_id, after] of logs) connection.subscribe({ scope: 'log', task_id, after });
  }

  async #take(frame: Exclude<ServerFrame, { type: 'hello' }>, signal: AbortSignal): Promise<void> {
    switch (frame.type) {
      case 'tasks':
        return this.#receiver.changed(frame.tasks, frame.cursor, signal);
      case 'removed':
        await this.#receiver.removed(frame.task_ids);
        for (const id of frame.task_ids) this.#waitNoMore(id);
        return;
      case 'start_over':
        this.#behind.add(TASKS);
        this.#onState({ kind: 'catching_up', since: Date.now() });
        return this.#receiver.startOver();
      case 'events':
        return frame.task_id === undefined ? undefined : this.#receiver.events(frame.task_id, frame.events);
      case 'caught_up':
        if (frame.scope === 'tasks') await this.#receiver.changed([], frame.cursor, signal);
        this.#behind.delete(frame.task_id ?? TASKS);
        return;
      case 'delta':
        return this.#receiver.deltas(frame.task_id, frame.deltas);
      case 'error':
        // One errand cannot be followed, such as one that was deleted meanwhile.
        if (frame.task_id === undefined) throw new Failure(`The server did not understand a frame: ${frame.message}`);
        this.#waitNoMore(frame.task_id);
        return;
      case 'state':
      case 'bye':
        return;
    }
  }

  /** The log of an errand does not catch up any more. It may be the last that did not. */
  #waitNoMore(task_id: string): void {
    if (this.#behind.delete(task_id) && this.#behind.size === 0) this.#onCaughtUp();
  }

  /** Waits for `wake`, but not longer than `at_most_ms`. */
  async #untilWake(signal: AbortSignal, at_most_ms = FOREVER_MS): Promise<void> {
    if (this.#hurried) {
      this.#hurried = false;
      return;
    }
    this.#pause = new AbortController();
    await wait(at_most_ms, AbortSignal.any([signal, this.#pause.signal])).catch(() => undefined);
    this.#pause = undefined;
  }
}

/** Whether a new attempt by itself would be in vain, or wrong: another device would lose its connection. */
function needsPerson(error: unknown): boolean {
  return error instanceof Displaced || error instanceof Moved || error instanceof Incomplete;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Failure(String(error));
}
