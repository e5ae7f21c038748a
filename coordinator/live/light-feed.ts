import { LIMITS } from '../../protocol/limits.ts';
import type { Task, TaskChange } from '../../protocol/task.ts';
import type { Db } from '../sqlite/database.ts';
import { newestEventIdOf, type EventRow } from '../sqlite/events.ts';
import { listChanged, listQueuedIds, listTasksById } from '../sqlite/task-lists.ts';
import { listRemovedSince } from '../sqlite/tombstones.ts';
import { shortTask, taskViews } from '../tasks/task-views.ts';

type LightFeedDependencies = {
  db: Db;
  /** Why no queued task can start, or null. */
  gate: { readonly fault: string | null };
  /** Whether somebody wants the changes of this user's tasks. */
  isWanted: (user_id: string) => boolean;
  publish: (user_id: string, tasks: TaskChange[], cursor: number) => void;
};

/** The tasks of one user that changed since the last frame, and what their watchers know of the others. */
type Known = {
  changed: Set<string>;
  /** A task was queued or started, so that the places of the others may have changed. */
  queue_moved: boolean;
  /** As they were last told, the ones that changed last at the end. */
  told: Map<string, Task>;
  flushed_at_ms: number;
  timer: NodeJS.Timeout | undefined;
};

/** The tasks of one user that are kept as they were told. One that is not is told whole. */
const TOLD_MAX = 200;
/** The tasks in one frame. */
const FRAME_TASKS_MAX = 50;

/**
 * Tells how tasks change, without their logs. Changes gather for `light_feed_ms`, and then only the fields that differ
 * are sent: so however fast an errand works, its list costs next to nothing.
 */
export class LightFeed {
  readonly #deps: LightFeedDependencies;
  readonly #known = new Map<string, Known>();

  constructor(deps: LightFeedDependencies) {
    this.#deps = deps;
  }

  /** Notes which tasks these events changed. */
  events(user_id: string, rows: readonly EventRow[]): void {
    const known = this.#wanted(user_id);
    if (!known) return;
    for (const { task_id, type } of rows) {
      known.changed.add(task_id);
      if (type === 'task.status' || type === 'task.created') known.queue_moved = true;
    }
    this.#schedule(user_id, known);
  }

  /** Notes that a task changed without an event. */
  touch(user_id: string, task_id: string): void {
    const known = this.#wanted(user_id);
    if (!known) return;
    known.changed.add(task_id);
    this.#schedule(user_id, known);
  }

  /**
   * Tells the watchers of a user what is pending. Returns the newest event's id: the cursor of whoever knows all of
   * this.
   */
  flush(user_id: string): number {
    const { db, publish } = this.#deps;
    const known = this.#known.get(user_id);
    const newest = newestEventIdOf(db, user_id);
    if (!known || known.changed.size === 0) return newest;
    clearTimeout(known.timer);
    known.timer = undefined;
    known.flushed_at_ms = performance.now();
    if (known.queue_moved) for (const id of listQueuedIds(db, user_id)) known.changed.add(id);
    known.queue_moved = false;
    const ids = [...known.changed];
    known.changed.clear();
    for (let at = 0; at < ids.length; at += FRAME_TASKS_MAX) {
      const views = this.#read(user_id, ids.slice(at, at + FRAME_TASKS_MAX));
      const changes = views.flatMap((task) => changeOf(known, task) ?? []);
      // The events of the frames to come are not told yet.
      const cursor = at + FRAME_TASKS_MAX < ids.length ? 0 : newest;
      if (changes.length > 0 || cursor > 0) publish(user_id, changes, cursor);
    }
    return newest;
  }

  /**
   * Some tasks that have events above `after`, behind `position`. `next`: where to go on; undefined: these were the
   * last.
   */
  changedAfter(user_id: string, after: number, position: string): { tasks: Task[]; next: string | undefined } {
    const { ids, next } = listChanged(this.#deps.db, user_id, after, position);
    return { tasks: ids.length > 0 ? this.#read(user_id, ids) : [], next };
  }

  /** The tasks that were removed since an event was the newest one; undefined: more than are known. */
  removedSince(user_id: string, event_id: number): string[] | undefined {
    return listRemovedSince(this.#deps.db, user_id, event_id);
  }

  #read(user_id: string, ids: readonly string[]): Task[] {
    const { db, gate } = this.#deps;
    const tasks = taskViews(db, listTasksById(db, user_id, ids), gate.fault);
    // Whoever was told that the texts are cut must learn when they are not.
    return tasks.map((task) => ({ shortened: false, ...shortTask(task) }));
  }

  /** Undefined: nobody wants them. What was told before is void then, since what changes now is not noted. */
  #wanted(user_id: string): Known | undefined {
    if (!this.#deps.isWanted(user_id)) {
      clearTimeout(this.#known.get(user_id)?.timer);
      this.#known.delete(user_id);
      return undefined;
    }
    const known = this.#known.get(user_id) ?? {
      changed: new Set<string>(),
      queue_moved: false,
      told: new Map<string, Task>(),
      flushed_at_ms: -Infinity,
      timer: undefined,
    };
    this.#known.set(user_id, known);
    return known;
  }

  #schedule(user_id: string, known: Known): void {
    const wait_ms = Math.max(0, known.flushed_at_ms + LIMITS.light_feed_ms - performance.now());
    known.timer ??= setTimeout(() => this.#flushIfWanted(user_id), wait_ms).unref();
  }

  #flushIfWanted(user_id: string): void {
    if (this.#wanted(user_id)) this.flush(user_id);
  }
}

/**
 * Sent with every change: a client that has read the task meanwhile may know a value that came and went between two
 * frames.
 */
const ALWAYS = new Set([
  'id',
  'status',
  'reason',
  'waiting_for',
  'queue_place',
  'ended_at',
  'work',
  'archived',
  'unread',
]);
/** The fields with texts that may be cut. `shortened` is sent with each: a client may have read the whole of others. */
const TEXTS = new Set(['prompt', 'result']);

/** What has changed of a task since it was last told. Undefined: nothing. */
function changeOf({ told }: Known, task: Task): TaskChange | undefined {
  const before = told.get(task.id);
  told.delete(task.id);
  told.set(task.id, task);
  const [oldest] = told.keys();
  if (told.size > TOLD_MAX && oldest !== undefined) told.delete(oldest);
  if (!before) return task;
  const old = new Map<string, unknown>(Object.entries(before));
  const differs = ([key, value]: [string, unknown]) => JSON.stringify(value) !== JSON.stringify(old.get(key));
  const fields = Object.entries(task);
  const changed = fields.filter(differs);
  if (changed.length === 0) return undefined;
  const always = fields.filter(([key]) => ALWAYS.has(key));
  const has_text = changed.some(([key]) => TEXTS.has(key));
  return {
    ...Object.fromEntries([...always, ...changed]),
    id: task.id,
    ...(has_text && { shortened: task.shortened }),
  };
}
