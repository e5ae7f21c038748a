import type { CoordinatorEvent } from '../../protocol/coordinator-events.ts';
import type { WorkerEvent } from '../../protocol/events.ts';
import type { Db } from './database.ts';
import { insertEvents, type EventRow } from './events.ts';
import type { Notice, Noted } from './subscriptions.ts';

type EventTask = { id: string; user_id: string; attempt: number };
type LogLine = Extract<WorkerEvent, { type: 'log' }>['body'];

/** One open transaction. Its events reach subscribers and clients after the commit, and not before. */
export type Tx = {
  db: Db;
  /** Stores a worker's event. The body is JSON text already. */
  append: (row: Omit<EventRow, 'id'>) => EventRow;
  /** Stores many, in their order, in less time than one by one. */
  appendAll: (rows: Omit<EventRow, 'id'>[]) => void;
  /** Stores an event of the coordinator. `at` is an ISO time. */
  note: (task: EventTask, event: CoordinatorEvent, at: string) => EventRow;
  /** Stores a message for people, as workers write them: an event `log`. */
  tell: (task: EventTask, line: LogLine, at: string) => void;
  /** Tells subscribers of a fact that leaves no event behind. */
  announce: (notice: Notice) => void;
  /** Runs a side effect after the commit and after the subscribers. It must not write. */
  afterCommit: (effect: () => void) => void;
};

/** How far a transaction had come, to return to with `undo`. */
type Savepoint = { rows: number; noted: number; notices: number; effects: number };

/** Collects what a transaction stores, so that it can be published after the commit. */
export class OpenTransaction implements Tx {
  readonly db: Db;
  readonly rows: EventRow[] = [];
  readonly noted: Noted[] = [];
  readonly notices: Notice[] = [];
  readonly effects: (() => void)[] = [];

  constructor(db: Db) {
    this.db = db;
  }

  append(row: Omit<EventRow, 'id'>): EventRow {
    const stored = { id: insertEvents(this.db, [row]), ...row };
    this.rows.push(stored);
    return stored;
  }

  appendAll(rows: Omit<EventRow, 'id'>[]): void {
    let id = insertEvents(this.db, rows) - rows.length;
    for (const row of rows) this.rows.push({ id: ++id, ...row });
  }

  note(task: EventTask, event: CoordinatorEvent, at: string): EventRow {
    const row = this.#add(task, event, at);
    const { id, task_id, user_id, attempt } = row;
    this.noted.push({ id, task_id, user_id, attempt, at, ...event });
    return row;
  }

  tell(task: EventTask, line: LogLine, at: string): void {
    this.#add(task, { type: 'log', body: line }, at);
  }

  #add({ id: task_id, user_id, attempt }: EventTask, event: CoordinatorEvent | WorkerEvent, at: string): EventRow {
    const { type, body } = event;
    return this.append({ task_id, user_id, attempt, seq: null, type, at, body: JSON.stringify(body) });
  }

  announce(notice: Notice): void {
    this.notices.push(notice);
  }

  afterCommit(effect: () => void): void {
    this.effects.push(effect);
  }

  mark(): Savepoint {
    const { rows, noted, notices, effects } = this;
    return { rows: rows.length, noted: noted.length, notices: notices.length, effects: effects.length };
  }

  undo(point: Savepoint): void {
    this.rows.length = point.rows;
    this.noted.length = point.noted;
    this.notices.length = point.notices;
    this.effects.length = point.effects;
  }
}
