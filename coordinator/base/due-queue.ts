import { setTimeout as delay } from 'node:timers/promises';
import { within } from './deadline.ts';
import type { Logger } from './logger.ts';
import { isoTime } from './iso-time.ts';
import { WAIT_MS_MAX } from './retry.ts';

type Group = { name: string; at_once_max: number };

export type DueQueueDependencies<Row> = {
  /** For the log. */
  name: string;
  /**
   * The rows that are due at an ISO time, in the order in which they are begun. Those of `full` groups and of `busy`
   * keys are left out where they could fill the list: none of them can be begun.
   */
  listDue: (now: string, limit: number, without: { full: string[]; busy: string[] }) => Row[];
  /** When the next row is due that is not due at this ISO time. */
  nextAt: (now: string) => string | undefined;
  /** Makes the rows due at `now` that are due after `latest`, and returns how many. Both are ISO times. */
  bringForward: (latest: string, now: string) => number;
  /** Rows with one key are worked on one after the other. */
  keyOf: (row: Row) => string;
  /** How many rows are worked on at once. */
  at_once_max: number;
  /** The groups of a row, each with how many of its rows are worked on at once, so that it leaves room for others. */
  groupsOf?: (row: Row) => Group[];
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
  /** The time of the last round. */
  #last_ms = Infinity;
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
        const at = isoTime(now());
        this.#bringForward(Date.parse(at));
        this.#beginDue(at);
        const next = nextAt(at);
        if (next !== undefined) sleep_ms = Math.min(sleep_ms, Math.max(SLEEP_MS_MIN, Date.parse(next) - now()));
      } catch (error) {
        logger.error({ err: error, queue: name }, 'queue could not be read; retrying');
      }
      await this.#sleep(sleep_ms, woken.signal);
    }
  }

  /** After the start, and after the clock was set back: what it put off while it was ahead would wait for as long. */
  #bringForward(now_ms: number): void {
    const { bringForward, logger, name } = this.#deps;
    if (now_ms < this.#last_ms) {
      const rows = bringForward(isoTime(now_ms + WAIT_MS_MAX), isoTime(now_ms));
      if (rows > 0) logger.warn({ queue: name, rows }, 'queue entries were put off by a clock that was ahead');
    }
    this.#last_ms = now_ms;
  }

  /** Begins with what is due, as far as the limits allow. The end of each wakes the next round. */
  #beginDue(at: string): void {
    let more: boolean;
    do {
      const rows = this.#deps.listDue(at, DUE_MAX, { full: this.#fullGroups(), busy: [...this.#working.keys()] });
      const begun = rows.filter((row) => this.#begin(row));
      // What is left of a long list may be of groups that are full now, or of busy keys: others may be due behind it.
      more = rows.length === DUE_MAX && begun.length > 0 && this.#hasRoom();
    } while (more);
  }

  /** False: the row has to wait for others. */
  #begin(row: Row): boolean {
    const { keyOf, groupsOf } = this.#deps;
    const key = keyOf(row);
    if (!this.#hasRoom() || this.#working.has(key)) return false;
    const full = this.#fullGroups();
    if (groupsOf?.(row).some(({ name }) => full.includes(name))) return false;
    const done = this.#workOn(row).finally(() => {
      this.#working.delete(key);
      this.#wake();
    });
    this.#working.set(key, { row, done });
    return true;
  }

  #hasRoom(): boolean {
    return this.#working.size < this.#deps.at_once_max;
  }

  /** The groups of which as many rows are worked on as may be. */
  #fullGroups(): string[] {
    const { groupsOf = () => [] } = this.#deps;
    const groups = [...this.#working.values()].flatMap(({ row }) => groupsOf(row));
    const full = groups.filter((one) => groups.filter(({ name }) => name === one.name).length >= one.at_once_max);
    return [...new Set(full.map(({ name }) => name))];
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
