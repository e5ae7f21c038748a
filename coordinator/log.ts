import type { CoordinatorEvent } from '../protocol/events.ts';
import type { Db } from './sqlite/database.ts';
import { insertEvent, type EventRow } from './sqlite/events.ts';

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

/**
 * The only way to write. `write` is one transaction at once; `enqueue` shares one with everything else that was enqueued in the same turn
 * of the event loop (group commit), so that many callbacks cost one fsync. Readers follow the commits through `onCommit`.
 */
export class Log {
  readonly db: Db;
  readonly #onCommit: (rows: EventRow[]) => void;
  #queue: Waiting[] = [];

  /** `onCommit` gets the rows of each transaction, in the order of their ids. */
  constructor(db: Db, onCommit: (rows: EventRow[]) => void) {
    this.db = db;
    this.#onCommit = onCommit;
  }

  /** Runs `work` in a transaction of its own: committed with what it returns, or rolled back with what it throws. */
  write<T>(work: (tx: Tx) => T): T {
    const { tx, published } = this.#transaction();
    const result = this.db.transaction(() => work(tx)).immediate();
    published();
    return result;
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
    const queue = this.#queue;
    this.#queue = [];
    const settled: (() => void)[] = [];
    const { tx, published, mark, undo } = this.#transaction();
    try {
      this.db
        .transaction(() => {
          for (const { work, resolve, reject } of queue) {
            const point = mark();
            try {
              // Inside a transaction this is a savepoint.
              const value = this.db.transaction(() => work(tx))();
              settled.push(() => resolve(value));
            } catch (error) {
              undo(point);
              settled.push(() => reject(error));
            }
          }
        })
        .immediate();
    } catch (error) {
      for (const { reject } of queue) reject(error);
      return;
    }
    published();
    for (const settle of settled) settle();
  }

  #transaction() {
    const rows: EventRow[] = [];
    const effects: (() => void)[] = [];
    const append = (row: Omit<EventRow, 'id'>): EventRow => {
      const stored = { id: insertEvent(this.db, row), ...row };
      rows.push(stored);
      return stored;
    };
    const tx: Tx = {
      db: this.db,
      append,
      note: (task, event, at) =>
        append({
          task_id: task.id,
          user_id: task.user_id,
          attempt: task.attempt,
          seq: null,
          type: event.type,
          at,
          body: JSON.stringify(event.body),
        }),
      afterCommit: (effect) => effects.push(effect),
    };
    return {
      tx,
      published: () => {
        if (rows.length > 0) this.#onCommit(rows);
        for (const effect of effects) effect();
      },
      mark: () => ({ rows: rows.length, effects: effects.length }),
      undo: (point: { rows: number; effects: number }) => {
        rows.length = point.rows;
        effects.length = point.effects;
      },
    };
  }
}
