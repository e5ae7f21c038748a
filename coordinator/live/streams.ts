import type { Bodies } from '../../protocol/events.ts';
import { newestEventIdOf, readEventsOf, readTaskEvents } from '../sqlite/events.ts';
import { positionOf } from '../sqlite/read-marks.ts';
import { findState, listStatesOf } from '../sqlite/progress.ts';
import type { Db } from '../sqlite/database.ts';
import { findTaskOf } from '../sqlite/tasks.ts';
import { encode, eventsFrame, logFrame, stateFrame } from './frames.ts';
import type { LightFeed } from './light-feed.ts';

/** One page of the log: it is read and sent at once. */
const PAGE = { rows_max: 200, bytes_max: 128 * 1024 };

type Send = (frame: Buffer) => void;

/**
 * One subscription of a socket. It replays from its cursor, a page at a time; the call that returns true has sent the
 * last page, and the stream is live from then on. A live stream whose socket reads too slowly replays again.
 */
export type Stream = {
  live: boolean;
  /** What the client has. */
  cursor: number;
  sendPage: (send: Send) => boolean;
};

/** Every event of every task of a user. */
export class AllStream implements Stream {
  live = false;
  cursor: number;
  readonly task_id: string | undefined;
  readonly #db: Db;
  readonly #user_id: string;

  /** `task_id`: the task whose deltas the client wants. */
  constructor(db: Db, user_id: string, after: number, task_id: string | undefined) {
    this.#db = db;
    this.#user_id = user_id;
    // The cursor may be from another database and ahead of this one; it must not suppress new events.
    this.cursor = Math.min(after, newestEventIdOf(db, user_id));
    this.task_id = task_id;
  }

  sendPage(send: Send): boolean {
    const { rows, cursor, more } = readEventsOf(this.#db, this.#user_id, this.cursor, PAGE);
    if (rows.length > 0) send(eventsFrame(rows));
    this.cursor = cursor;
    if (more) return false;
    send(encode({ type: 'caught_up', cursor }));
    for (const state of listStatesOf(this.#db, this.#user_id)) send(stateFrame(state));
    return true;
  }
}

/** The full log of one task. */
export class LogStream implements Stream {
  live = false;
  cursor: number;
  readonly task_id: string;
  readonly bodies: Bodies;
  readonly #db: Db;

  constructor(db: Db, task_id: string, after: number, bodies: Bodies) {
    this.#db = db;
    this.task_id = task_id;
    this.bodies = bodies;
    this.cursor = Math.min(after, positionOf(db, task_id).newest_event_id);
  }

  /** Whether the task was removed. */
  isRemoved(user_id: string): boolean {
    return findTaskOf(this.#db, user_id, this.task_id) === undefined;
  }

  sendPage(send: Send): boolean {
    const { task_id, cursor: after } = this;
    const page = { task_id, after, limit: PAGE.rows_max, bytes_max: PAGE.bytes_max };
    const { rows, more } = readTaskEvents(this.#db, page);
    if (rows.length > 0) send(logFrame(task_id, this.bodies, rows));
    this.cursor = rows.at(-1)?.id ?? after;
    if (more) return false;
    send(encode({ type: 'caught_up', scope: 'log', task_id, cursor: this.cursor }));
    const state = findState(this.#db, task_id);
    if (state) send(stateFrame(state));
    return true;
  }
}

/** How all tasks of a user stand. While it replays, it gets the live changes too: of tasks that were sent already. */
export class TasksStream implements Stream {
  live = false;
  cursor: number;
  readonly #light: LightFeed;
  readonly #user_id: string;
  /** The id of the task up to which the changed ones were sent. Undefined: the replay has not begun. */
  #position: string | undefined;

  constructor(db: Db, light: LightFeed, user_id: string, after: number) {
    this.#light = light;
    this.#user_id = user_id;
    this.cursor = Math.min(after, newestEventIdOf(db, user_id));
  }

  /** Whether it takes live changes. */
  get takes(): boolean {
    return this.live || this.#position !== undefined;
  }

  /** Replays from the cursor: live changes were not sent. */
  restart(): void {
    this.live = false;
    this.#position = undefined;
  }

  /** Lets the client forget all tasks, and replays them: more were removed than can be told. */
  startOver(send: Send): void {
    this.restart();
    this.cursor = 0;
    send(encode({ type: 'start_over' }));
  }

  /** The cursor moves at the end alone, so that a client that leaves before misses nothing. */
  sendPage(send: Send): boolean {
    // What is pending is told first: the next changes are counted from what this page shows.
    const newest = this.#light.flush(this.#user_id);
    if (this.#position === undefined) this.#begin(send);
    const { tasks, next } = this.#light.changedAfter(this.#user_id, this.cursor, this.#position ?? '');
    if (tasks.length > 0) send(encode({ type: 'tasks', cursor: this.cursor, tasks }));
    this.#position = next;
    if (next !== undefined) return false;
    this.cursor = newest;
    send(encode({ type: 'caught_up', scope: 'tasks', cursor: newest }));
    return true;
  }

  #begin(send: Send): void {
    if (this.cursor === 0) return;
    const task_ids = this.#light.removedSince(this.#user_id, this.cursor);
    if (task_ids && task_ids.length > 0) send(encode({ type: 'removed', task_ids }));
    if (!task_ids) this.startOver(send);
  }
}
