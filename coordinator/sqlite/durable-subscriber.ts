import type { Logger } from '../base/logger.ts';
import { Backoff } from '../base/retry.ts';
import { within } from '../base/deadline.ts';
import type { EventLog } from './event-log.ts';
import { newestEventId, readEventsAfter, type EventRow } from './events.ts';
import { advanceSubscriberCursor, findSubscriberCursor } from './subscribers.ts';

/** How many events are read at once. Those of other types cost little: their bodies are not read. */
const BATCH_ROWS_MAX = 500;
const BATCH_BYTES_MAX = 1024 * 1024;
/**
 * The cursor is stored after each handled event, and at least after this many others: a start skips no more than these
 * again.
 */
const UNSTORED_EVENTS_MAX = 1_000;
const RETRY = { first_ms: 1_000, max_ms: 60_000 };
const STOP_MS = 5_000;

export type DurableSubscriberDependencies = {
  log: EventLog;
  logger: Logger;
  /** Names its cursor in the database. Never change it: another name is another subscriber. */
  name: string;
  types: string[];
  /**
   * Handles one event. An event that was handled just before a crash comes again, so handling must be repeatable. Where
   * it rejects, it is called again with the same event, with backoff, until it succeeds: no event is passed over.
   * `signal` aborts when the server stops.
   */
  handle: (event: EventRow, signal: AbortSignal) => Promise<void> | void;
};

/**
 * A subscriber that misses nothing across restarts: the log is its queue, and a named cursor in the database says how
 * far it has come. It gets each event of its types at least once, in the order of the log. A new one begins with the
 * events after its first start. Events of tasks that are deleted before it gets to them are gone.
 */
export class DurableSubscriber {
  readonly #deps: DurableSubscriberDependencies;
  readonly #stopped = new AbortController();
  #cursor = 0;
  #stored_cursor = 0;
  #wake: () => void = () => undefined;
  /**
   * `missed`: there was a commit with something for it since it began to read. `caught_up`: it waits at the end of the
   * log.
   */
  #state: 'reading' | 'missed' | 'caught_up' = 'reading';
  /** The newest event of a commit that had nothing for it. */
  #passed = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(deps: DurableSubscriberDependencies) {
    this.#deps = deps;
  }

  /** Goes on from its cursor, in the background. Throws where the cursor of a new subscriber cannot be stored. */
  start(): void {
    const { log, name } = this.#deps;
    const cursor = findSubscriberCursor(log.db, name);
    this.#cursor = cursor ?? newestEventId(log.db);
    this.#stored_cursor = this.#cursor;
    if (cursor === undefined) this.#deps.log.write(({ db }) => advanceSubscriberCursor(db, name, this.#cursor, now()));
    const unsubscribe = log.subscribeToAll((rows) => this.#noteCommit(rows));
    this.#work = this.#run().finally(unsubscribe);
  }

  /** Resolves once the event under way is handled, or after a while: it comes again at the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake();
    await within(STOP_MS, this.#work);
  }

  /**
   * Most commits of a busy server have nothing for it. It does not read them, nor again because of them, and only
   * stores its cursor at times.
   */
  #noteCommit(rows: EventRow[]): void {
    if (rows.some(({ type }) => this.#deps.types.includes(type))) {
      this.#state = 'missed';
      this.#wake();
      return;
    }
    this.#passed = rows.at(-1)?.id ?? this.#passed;
    if (this.#state !== 'caught_up') return;
    this.#cursor = this.#passed;
    if (this.#isFar(this.#cursor)) this.#wake();
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopped;
    const backoff = new Backoff(RETRY);
    while (!signal.aborted) {
      // Before the log is read: a commit that comes in between must not be missed.
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      try {
        if (this.#state === 'caught_up') await this.#advance(this.#cursor, false);
        else await this.#read();
        backoff.reset();
        if (this.#state === 'caught_up' && !this.#isFar(this.#cursor) && !signal.aborted) await woken;
      } catch (error) {
        if (signal.aborted) return;
        const { logger, name } = this.#deps;
        logger.error({ err: error, subscriber: name, cursor: this.#cursor }, 'durable subscriber failed; retrying');
        await backoff.wait(signal);
      }
    }
  }

  /** Handles one page of the log, and notes whether that was the last. */
  async #read(): Promise<void> {
    this.#state = 'reading';
    const { log, types, handle } = this.#deps;
    const size = { rows_max: BATCH_ROWS_MAX, bytes_max: BATCH_BYTES_MAX };
    const { events, cursor, more } = readEventsAfter(log.db, this.#cursor, types, size);
    for (const event of events) {
      if (this.#stopped.signal.aborted) return;
      await handle(event, this.#stopped.signal);
      await this.#advance(event.id, true);
    }
    await this.#advance(cursor, false);
    if (more || this.#state !== 'reading') return;
    this.#state = 'caught_up';
    // Those that were committed since the page was read had nothing for it.
    this.#cursor = Math.max(cursor, this.#passed);
  }

  #isFar(cursor: number): boolean {
    return cursor - this.#stored_cursor >= UNSTORED_EVENTS_MAX;
  }

  async #advance(cursor: number, handled: boolean): Promise<void> {
    const { log, name } = this.#deps;
    this.#cursor = cursor;
    if (!handled && !this.#isFar(cursor)) return;
    await log.enqueue(({ db }) => advanceSubscriberCursor(db, name, cursor, now()));
    this.#stored_cursor = cursor;
  }
}

function now(): string {
  return new Date().toISOString();
}
