import { setTimeout as delay } from 'node:timers/promises';
import { within } from './deadline.ts';
import type { Logger } from './logger.ts';

export type DueQueueDependencies<Row> = {
  /** For the log. */
  name: string;
  /** The rows that are due at an ISO time, in the order in which they are begun. */
  listDue: (now: string, limit: number) => Row[];
  /** When the next row is due that is not due at this ISO time. */
  nextAt: (now: string) => string | undefined;
  /** Rows with one key are worked on one after the other. */
  keyOf: (row: Row) => string;
  /** How many rows are worked on at once. */
  at_once_max: number;
  /** Whether a row must wait for some of those that are worked on. */
  waitsFor?: (row: Row, working: readonly Row[]) => boolean;
  /**
   * Works on a row, and stores what becomes of it: a row that is still due afterwards is worked on again. If it
   * rejects, the server itself has failed: rows with this key wait for `pause_ms`.
   */
  work: (row: Row, signal: AbortSignal) => Promise<void>;
  pause_ms: number;
  /** Milliseconds since 1970. */
  now: () => number;
  logger: Logger;
};

/** How many rows are listed at once. */
const DUE_MAX = 200;
/** The longest sleep: a clock that is set forward is noticed after it. */
const SLEEP_MS_MAX = 60_000;
const SLEEP_MS_MIN = 10;
const STOP_MS = 5_000;

/**
 * Works on rows of the database when they are due, several keys at once. The rows are its only state: a server that
 * dies goes on with them at its next start.
 */
export class DueQueue<Row> {
  readonly #deps: DueQueueDependencies<Row>;
  readonly #stopped = new AbortController();
  readonly #working = new Map<string, { row: Row; done: Promise<void> }>();
  #wake: () => void = () => undefined;
  #run_ended: Promise<void> = Promise.resolve();

  constructor(deps: DueQueueDependencies<Row>) {
    this.#deps = deps;
  }

  start(): void {
    this.#run_ended = this.#run();
  }

  /** Call it when a row may have become due. */
  wake(): void {
    this.#wake();
  }

  /** Aborts the work in progress: it begins anew at the next start. Resolves when it has ended, or after 5 seconds. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await within(STOP_MS, Promise.all([this.#run_ended, ...[...this.#working.values()].map(({ done }) => done)]));
  }

  async #run(): Promise<void> {
    const { nextAt, now, logger, name } = this.#deps;
    while (!this.#stopped.signal.aborted) {
      // Before the rows are read: what becomes due in between must not be missed.
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      let sleep_ms = SLEEP_MS_MAX;
      try {
        // One time for both: a row that became due between two of them would be in neither answer.
        const at = iso(now());
        this.#beginDue(at);
        const next = nextAt(at);
        if (next !== undefined) sleep_ms = Math.min(sleep_ms, Math.max(SLEEP_MS_MIN, Date.parse(next) - now()));
      } catch (error) {
        logger.error({ err: error, queue: name }, 'queue could not be read; retrying');
      }
      await this.#sleep(sleep_ms, woken.signal);
    }
  }

  /** Begins with what is due, as far as the limits allow. The end of each wakes the next round. */
  #beginDue(at: string): void {
    const { listDue, keyOf, at_once_max, waitsFor } = this.#deps;
    for (const row of listDue(at, DUE_MAX)) {
      if (this.#working.size >= at_once_max) return;
      const key = keyOf(row);
      if (this.#working.has(key)) continue;
      const working = [...this.#working.values()].map((other) => other.row);
      if (waitsFor?.(row, working)) continue;
      const done = this.#workOn(row).finally(() => {
        this.#working.delete(key);
        this.#wake();
      });
      this.#working.set(key, { row, done });
    }
  }

  /** Never rejects. */
  async #workOn(row: Row): Promise<void> {
    const { work, pause_ms, logger, name, keyOf } = this.#deps;
    const { signal } = this.#stopped;
    try {
      await work(row, signal);
    } catch (error) {
      if (signal.aborted) return;
      // Such as a full disk: that must not be tried again at once.
      logger.error({ err: error, queue: name, key: keyOf(row) }, 'queue entry failed; retrying');
      await this.#sleep(pause_ms);
    }
  }

  async #sleep(ms: number, woken?: AbortSignal): Promise<void> {
    const signals = [this.#stopped.signal, ...(woken ? [woken] : [])];
    await delay(ms, undefined, { ref: false, signal: AbortSignal.any(signals) }).catch(() => undefined);
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
