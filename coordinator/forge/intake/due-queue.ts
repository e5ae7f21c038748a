import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../../base/deadline.ts';
import type { Logger } from '../../base/logger.ts';
import { ForgeApiError } from '../forge-api-error.ts';

/** The waits after failures, in milliseconds: each is four times the one before. After `give_up_ms` it is given up. */
export type RetryTimes = { first_ms: number; max_ms: number; give_up_ms: number };

type Due = { tries: number };

export type DueQueueDependencies<Row extends Due> = {
  /** For the log. */
  name: string;
  /** The rows that are due at an ISO time, in their order. */
  listDue: (now: string, limit: number) => Row[];
  /** When the next row is due that is not due at this ISO time. */
  nextAt: (now: string) => string | undefined;
  /** Rows with one key are worked on one after the other. */
  keyOf: (row: Row) => string;
  /** When the row came, as an ISO time. */
  cameAt: (row: Row) => string;
  /** Works on a row, and settles it. A row that is still due afterwards is worked on again. */
  work: (row: Row, signal: AbortSignal) => Promise<void>;
  /** Puts a row off whose work has rejected. */
  postpone: (row: Row, next_at: string) => void;
  /** Settles a row that is not tried again. */
  giveUp: (row: Row) => void;
  times: RetryTimes;
  now: () => number;
  logger: Logger;
};

const DUE_MAX = 100;
const AT_ONCE_MAX = 8;
const SLEEP_MS = 60_000;
const STOP_MS = 5_000;
/** The tries of what a forge answers wrongly, and of what this server cannot do: others wait behind it. */
const MALFORMED_TRIES_MAX = 3;
const OWN_TRIES_MAX = 6;

/**
 * Works on rows of the database when they are due, several keys at once. The rows are its only state: a server that
 * dies goes on with them at its next start.
 */
export class DueQueue<Row extends Due> {
  readonly #deps: DueQueueDependencies<Row>;
  readonly #stopped = new AbortController();
  readonly #working = new Map<string, Promise<void>>();
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

  /** Ends the work in progress: it begins anew at the next start. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    await within(STOP_MS, Promise.all([this.#run_ended, ...this.#working.values()]));
  }

  async #run(): Promise<void> {
    const { nextAt, now, logger, name } = this.#deps;
    while (!this.#stopped.signal.aborted) {
      // Before the rows are read: what becomes due in between must not be missed.
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      let sleep_ms = SLEEP_MS;
      try {
        this.#startDue();
        const next = nextAt(iso(now()));
        if (next !== undefined) sleep_ms = Math.min(sleep_ms, Math.max(10, Date.parse(next) - now()));
      } catch (error) {
        logger.error({ err: error, queue: name }, 'queue could not be read; retrying');
      }
      const signal = AbortSignal.any([woken.signal, this.#stopped.signal]);
      await delay(sleep_ms, undefined, { ref: false, signal }).catch(() => undefined);
    }
  }

  #startDue(): void {
    const { listDue, keyOf, now } = this.#deps;
    for (const row of listDue(iso(now()), DUE_MAX)) {
      if (this.#working.size >= AT_ONCE_MAX) return;
      const key = keyOf(row);
      if (this.#working.has(key)) continue;
      const done = this.#workOn(row).finally(() => {
        this.#working.delete(key);
        this.#wake();
      });
      this.#working.set(key, done);
    }
  }

  async #workOn(row: Row): Promise<void> {
    const { work, name, logger, times } = this.#deps;
    const { signal } = this.#stopped;
    try {
      await work(row, signal);
    } catch (error) {
      if (signal.aborted) return;
      logger.warn({ err: error, queue: name, tries: row.tries + 1 }, 'queue entry failed');
      try {
        this.#putOff(row, error);
      } catch (err) {
        // The database itself fails: that must not be tried again at once.
        logger.error({ err, queue: name }, 'queue entry could not be put off');
        await delay(times.first_ms, undefined, { ref: false, signal }).catch(() => undefined);
      }
    }
  }

  #putOff(row: Row, error: unknown): void {
    const { postpone, giveUp, cameAt, times, now, logger, name } = this.#deps;
    const wait_ms = Math.min(times.first_ms * 4 ** row.tries, times.max_ms);
    const asked = error instanceof ForgeApiError ? (error.retry_at?.getTime() ?? 0) : 0;
    const next = Math.max(now() + wait_ms, Math.min(asked, now() + times.give_up_ms));
    const in_time = next <= Date.parse(cameAt(row)) + times.give_up_ms;
    if (in_time && row.tries + 1 < triesMax(error)) return postpone(row, iso(next));
    logger.error({ err: error, queue: name }, 'queue entry given up');
    giveUp(row);
  }
}

function triesMax(error: unknown): number {
  if (!(error instanceof ForgeApiError)) return OWN_TRIES_MAX;
  return error.malformed ? MALFORMED_TRIES_MAX : Infinity;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
