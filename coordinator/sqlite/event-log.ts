import type { CoordinatorEvent } from '../../protocol/events.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { commitPoint } from '../base/failpoints.ts';
import { BUSY_MS, storageFault, type Db } from './database.ts';
import { insertEvent, type EventRow } from './events.ts';

/** One open transaction. What is appended here goes out to clients once it is on disk, and not before. */
export type Tx = {
  db: Db;
  /** Adds a row whose body is JSON text already. */
  append: (row: Omit<EventRow, 'id'>) => EventRow;
  /** Adds an event of the coordinator's own. */
  note: (task: { id: string; user_id: string; attempt: number }, event: CoordinatorEvent, at: string) => EventRow;
  /** Does something once the transaction has been committed: a side effect, never a write. */
  afterCommit: (effect: () => void) => void;
};

type Waiting = { work: (tx: Tx) => unknown; resolve: (value: unknown) => void; reject: (reason: unknown) => void };

/** A shared transaction takes in no further work past this many rows, so that no group holds the loop for long. */
const GROUP_ROWS_MAX = 1_000;
const DISK_FAILED = 'The disk failed: the server must be started again.';
const WHAT_NOW =
  "All that was acknowledged was on disk before, and nothing more is taken. Look at the disk and at the system's log (dmesg) first; " +
  'the database is checked at the next start.';

/**
 * The only way to write. `write` is one transaction at once; `enqueue` shares one with everything else that was enqueued in the same turn
 * of the event loop (group commit), so that many callbacks cost one fsync. Readers follow the commits through `onCommit`.
 *
 * Both fail with `unavailable` where the disk is full, where another process has held the database's lock for as long as a write waits for it
 * (`busy_timeout`), and where the disk failed; whatever else SQLite throws is thrown on as it is.
 */
export class EventLog {
  readonly db: Db;
  readonly #onCommit: (rows: EventRow[]) => void;
  readonly #onFault: (error: unknown) => void;
  readonly #onFull: () => void;
  /** Inside a transaction it runs in a savepoint. */
  readonly #atomic: (work: () => unknown) => unknown;
  #queue: Waiting[] = [];
  #broken = false;
  /** Another process holds the lock, and a write has waited for it in vain: the loop is not held up for the others too. */
  #locked_out = false;

  /**
   * `onCommit` gets the rows of each transaction, in the order of their ids. `onFault` gets what nobody waits for: an error of `onCommit` or
   * of an effect (the rows are on disk all the same), and a disk that failed, after which nothing is written any more, since what a failed
   * fsync left behind is unknown. By default it ends the process, as any uncaught error does. `onFull` is told of each write that found no room.
   */
  constructor(
    db: Db,
    onCommit: (rows: EventRow[]) => void,
    {
      onFault = throwApart,
      onFull = () => undefined,
    }: { onFault?: (error: unknown) => void; onFull?: () => void } = {},
  ) {
    this.db = db;
    this.#onCommit = onCommit;
    this.#onFault = onFault;
    this.#onFull = onFull;
    this.#atomic = db.transaction((work: () => unknown) => work());
  }

  /** Runs `work` in a transaction of its own: committed with what it returns, or rolled back with what it throws. */
  write<T>(work: (tx: Tx) => T): T {
    if (this.db.inTransaction) throw new Error('A write inside a transaction would be published before its commit.');
    this.#refuseIfBroken();
    const open = new OpenTransaction(this.db);
    try {
      const result = this.db
        .transaction(() => {
          const value = work(open);
          commitPoint('before', open.rows);
          return value;
        })
        .immediate();
      this.#publish(open);
      return result;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Runs `work` in the transaction of this turn. What it throws undoes its own writes and nobody else's. */
  enqueue<T>(work: (tx: Tx) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#queue.length === 0) setImmediate(() => this.#flush());
      // The queue holds works of any type; each promise gets what its own work returned.
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  #flush(): void {
    const settled: (() => void)[] = [];
    const open = new OpenTransaction(this.db);
    let taken = 0;
    try {
      this.#refuseIfBroken();
      this.db
        .transaction(() => {
          for (const { work, resolve, reject } of this.#queue) {
            if (open.rows.length >= GROUP_ROWS_MAX) break;
            taken += 1;
            const point = open.mark();
            try {
              const value = this.#atomic(() => work(open));
              settled.push(() => resolve(value));
            } catch (error) {
              // SQLite rolls the whole transaction back by itself where the disk is full or fails: then nobody's writes are there.
              if (!this.db.inTransaction) throw error;
              open.undo(point);
              settled.push(() => reject(this.#failure(error)));
            }
          }
          commitPoint('before', open.rows);
        })
        .immediate();
    } catch (error) {
      const failure = this.#failure(error);
      for (const { reject } of this.#queue.splice(0)) reject(failure);
      return;
    }
    this.#queue.splice(0, taken);
    if (this.#queue.length > 0) setImmediate(() => this.#flush());
    this.#publish(open);
    for (const settle of settled) settle();
  }

  #publish({ rows, effects }: OpenTransaction): void {
    commitPoint('after', rows);
    if (this.#locked_out) this.#waitForLock(BUSY_MS);
    if (rows.length > 0) effects.unshift(() => this.#onCommit(rows));
    for (const effect of effects)
      try {
        effect();
      } catch (error) {
        this.#onFault(error);
      }
  }

  #refuseIfBroken(): void {
    if (this.#broken) throw new ErrandError('unavailable', DISK_FAILED);
  }

  /** What the caller is told of an error, and what follows from it for the writes to come. */
  #failure(error: unknown): unknown {
    switch (storageFault(error)) {
      case 'full':
        this.#onFull();
        return new ErrandError('unavailable', "The server's disk is full.", { cause: error, retry_after_s: 5 });
      case 'busy':
        this.#waitForLock(0);
        return new ErrandError('unavailable', "Another process holds the database's lock.", {
          cause: error,
          retry_after_s: 1,
        });
      case 'failed':
        if (!this.#broken) {
          this.#broken = true;
          this.#onFault(new Error(`${DISK_FAILED} ${WHAT_NOW}`, { cause: error }));
        }
        return new ErrandError('unavailable', DISK_FAILED, { cause: error });
      case undefined:
        return error;
    }
  }

  #waitForLock(ms: number): void {
    this.#locked_out = ms === 0;
    this.db.pragma(`busy_timeout = ${ms}`);
  }
}

class OpenTransaction implements Tx {
  readonly db: Db;
  readonly rows: EventRow[] = [];
  readonly effects: (() => void)[] = [];

  constructor(db: Db) {
    this.db = db;
  }

  append(row: Omit<EventRow, 'id'>): EventRow {
    const stored = { id: insertEvent(this.db, row), ...row };
    this.rows.push(stored);
    return stored;
  }

  note(task: { id: string; user_id: string; attempt: number }, event: CoordinatorEvent, at: string): EventRow {
    return this.append({
      task_id: task.id,
      user_id: task.user_id,
      attempt: task.attempt,
      seq: null,
      type: event.type,
      at,
      body: JSON.stringify(event.body),
    });
  }

  afterCommit(effect: () => void): void {
    this.effects.push(effect);
  }

  mark(): { rows: number; effects: number } {
    return { rows: this.rows.length, effects: this.effects.length };
  }

  undo(point: { rows: number; effects: number }): void {
    this.rows.length = point.rows;
    this.effects.length = point.effects;
  }
}

function throwApart(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
