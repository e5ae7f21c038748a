import type Database from 'better-sqlite3';
import { ErrandError } from '../../protocol/problem.ts';
import type { Logger } from '../base/logger.ts';
import { BUSY_MS, countChanges, setBusyTimeout, type Db } from './database.ts';
import type { EventRow } from './events.ts';
import { storageFault } from './storage-fault.ts';
import { Subscriptions, type Noted, type Notice, type Unsubscribe } from './subscriptions.ts';
import { OpenTransaction, type Tx } from './transaction.ts';
import type { WalRoom } from './wal-room.ts';

export type { Tx };

type Waiting = { work: (tx: Tx) => unknown; resolve: (value: unknown) => void; reject: (reason: unknown) => void };

/** A committed transaction of many works. `settled`: settles the promise of each work. */
type Group = { open: OpenTransaction; settled: (() => void)[] };

/** A shared transaction takes in no further work past this many rows, so that no group holds the loop for long. */
const GROUP_ROWS_MAX = 1_000;
const DISK_FAILED = 'The disk failed: the server must be started again.';
const WHAT_NOW =
  "All that was acknowledged was on disk before, and nothing more is taken. Look at the disk and at the system's log (dmesg) first; " +
  'the database is checked at the next start.';

/** A write is refused because the disk is full, or nearly: the rest is kept for urgent ones. */
export class DiskFull extends ErrandError {
  constructor(cause?: unknown) {
    super('unavailable', "The server's disk is full.", { cause, retry_after_s: 5 });
  }
}

/**
 * Runs just before and just after each commit of events, inside the writing call. Tests use it to kill the process
 * there.
 */
export type CommitHook = { before: (rows: EventRow[]) => void; after: (rows: EventRow[]) => void };

/** `urgent`: a small write that a full disk must not stop, such as a cancel or a log-in. It may use the reserve. */
export type WriteOptions = { urgent?: boolean };

export type EventLogDependencies = {
  db: Db;
  logger: Logger;
  /**
   * Called once when the disk has failed: nothing is written any more, since what a failed fsync left behind is
   * unknown. By default it throws outside of any caller, which ends the process.
   */
  onDiskFailed?: (error: Error) => void;
  hook?: CommitHook | undefined;
  /** Tells when only urgent writes may go on. Absent: never. */
  room?: Pick<WalRoom, 'isLow'> | undefined;
};

/**
 * The only way to write. `write` is one transaction at once; `enqueue` shares one with everything else that was
 * enqueued in the same turn of the event loop (group commit), so that many callbacks cost one fsync. Other parts follow
 * the log through `subscribe`.
 *
 * Both fail with `unavailable` where the disk is full, where another process has held the database's lock for longer
 * than a write waits for it (`busy_timeout`), and where the disk failed. Any other error of SQLite is thrown as it is.
 */
export class EventLog {
  readonly db: Db;
  readonly #subscriptions: Subscriptions;
  readonly #onDiskFailed: (error: Error) => void;
  readonly #hook: CommitHook | undefined;
  readonly #room: EventLogDependencies['room'];
  readonly #onFull: (() => void)[] = [];
  /** Runs a function in a transaction, or in a savepoint when called inside of one. */
  readonly #transact: Database.Transaction<(work: () => unknown) => unknown>;
  #rollbacks = 0;
  #queue: Waiting[] = [];
  #broken = false;
  /**
   * Another process holds the lock and a write has timed out on it. Until one succeeds, writes fail at once and do not
   * block the event loop.
   */
  #locked_out = false;

  constructor({ db, logger, onDiskFailed = throwApart, hook, room }: EventLogDependencies) {
    this.db = db;
    this.#room = room;
    this.#subscriptions = new Subscriptions(logger);
    this.#onDiskFailed = onDiskFailed;
    this.#hook = hook;
    this.#transact = db.transaction((work: () => unknown) => work());
  }

  /** How many transactions, or parts of one, were rolled back. */
  get rollbacks(): number {
    return this.#rollbacks;
  }

  /** Calls `handler` with each event of this type after its commit. `Subscriptions` has the rules. */
  subscribe<T extends Noted['type']>(type: T, handler: (event: Noted<T>) => void): Unsubscribe {
    return this.#subscriptions.add(type, handler);
  }

  /** Calls `handler` after each commit that announced this. */
  subscribeToNotice(notice: Notice, handler: () => void): Unsubscribe {
    return this.#subscriptions.addForNotice(notice, handler);
  }

  /** Calls `handler` with the rows of each commit, ids ascending. */
  subscribeToAll(handler: (rows: EventRow[]) => void): Unsubscribe {
    return this.#subscriptions.addForAll(handler);
  }

  /** Calls `listener` on each write that failed because the disk is full. */
  onFull(listener: () => void): void {
    this.#onFull.push(listener);
  }

  /**
   * Runs `work` in a transaction of its own: committed with what it returns, or rolled back with what it throws.
   */
  write<T>(work: (tx: Tx) => T, { urgent = false }: WriteOptions = {}): T {
    if (this.db.inTransaction) throw new Error('A write inside a transaction would be published before its commit.');
    this.#refuseIfBroken();
    const open = new OpenTransaction(this.db);
    const low = !urgent && this.#isLow();
    try {
      const result = this.db
        .transaction(() => {
          const value = this.#run(work, open, low);
          this.#hook?.before(open.rows);
          return value;
        })
        .immediate();
      this.#publish(open);
      return result;
    } catch (error) {
      this.#rollbacks += 1;
      throw this.#failure(error);
    }
  }

  /**
   * Runs `work` in the transaction of this turn. What it throws undoes its own writes and nobody else's. If another
   * work throws, it is undone and runs again: whatever it does outside of the database belongs into `tx.afterCommit`.
   */
  enqueue<T>(work: (tx: Tx) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#queue.length === 0) setImmediate(() => this.#flush());
      // The queue holds works of any type; each promise gets what its own work returned.
      this.#queue.push({ work, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  #flush(): void {
    let group: Group;
    try {
      this.#refuseIfBroken();
      group = this.#commitGroup();
    } catch (error) {
      this.#rollbacks += 1;
      const failure = this.#failure(error);
      for (const { reject } of this.#queue.splice(0)) reject(failure);
      return;
    }
    this.#queue.splice(0, group.settled.length);
    if (this.#queue.length > 0) setImmediate(() => this.#flush());
    this.#publish(group.open);
    for (const settle of group.settled) settle();
  }

  /** A savepoint costs a seventh of a callback, so works get one each only in a second run, after one of them threw. */
  #commitGroup(): Group {
    try {
      return this.#tryGroup({ savepoints: false });
    } catch (error) {
      this.#rollbacks += 1;
      const fault = storageFault(error);
      if (fault === 'busy' || fault === 'failed') throw error;
      return this.#tryGroup({ savepoints: true });
    }
  }

  /**
   * Runs the works at the head of the queue in one transaction, and commits it. One that throws undoes only its own
   * writes if each has a savepoint; else all are rolled back.
   */
  #tryGroup({ savepoints }: { savepoints: boolean }): Group {
    const group: Group = { open: new OpenTransaction(this.db), settled: [] };
    const { open, settled } = group;
    const low = this.#isLow();
    this.#transact.immediate(() => {
      for (const { work, resolve, reject } of this.#queue) {
        if (open.rows.length >= GROUP_ROWS_MAX) break;
        const point = open.mark();
        try {
          const value = savepoints ? this.#transact(() => this.#run(work, open, low)) : this.#run(work, open, low);
          settled.push(() => resolve(value));
        } catch (error) {
          // SQLite rolls the whole transaction back by itself where the disk is full or fails: then nobody's writes are
          // there.
          if (!savepoints || !this.db.inTransaction) throw error;
          this.#rollbacks += 1;
          open.undo(point);
          settled.push(() => reject(this.#failure(error)));
        }
      }
      this.#hook?.before(open.rows);
    });
    return group;
  }

  /** Runs one work. While the disk is low on space, it may change nothing; a heartbeat seldom does. */
  #run<T>(work: (tx: Tx) => T, open: OpenTransaction, low: boolean): T {
    if (!low) return work(open);
    const before = countChanges(this.db);
    const value = work(open);
    if (countChanges(this.db) !== before) throw new DiskFull();
    return value;
  }

  #isLow(): boolean {
    const low = this.#room?.isLow() ?? false;
    if (low) for (const listener of this.#onFull) listener();
    return low;
  }

  #publish(open: OpenTransaction): void {
    this.#hook?.after(open.rows);
    if (this.#locked_out) this.#waitForLock(BUSY_MS);
    this.#subscriptions.publish(open);
  }

  #refuseIfBroken(): void {
    if (this.#broken) throw new ErrandError('unavailable', DISK_FAILED);
  }

  /** What the caller is told of an error, and what follows from it for the writes to come. */
  #failure(error: unknown): unknown {
    switch (storageFault(error)) {
      case 'full':
        for (const listener of this.#onFull) listener();
        return new DiskFull(error);
      case 'busy':
        this.#waitForLock(0);
        return new ErrandError('unavailable', "Another process holds the database's lock.", {
          cause: error,
          retry_after_s: 1,
        });
      case 'failed':
        if (!this.#broken) {
          this.#broken = true;
          this.#onDiskFailed(new Error(`${DISK_FAILED} ${WHAT_NOW}`, { cause: error }));
        }
        return new ErrandError('unavailable', DISK_FAILED, { cause: error });
      case undefined:
        return error;
    }
  }

  #waitForLock(ms: number): void {
    this.#locked_out = ms === 0;
    setBusyTimeout(this.db, ms);
  }
}

function throwApart(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
