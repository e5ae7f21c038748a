import type { Bodies, Delta } from '../../protocol/events.ts';
import type { TaskChange } from '../../protocol/task.ts';
import { batchesOf, deltaFrame, encode, eventsFrame, logFrame, stateFrame } from './frames.ts';
import { LightFeed } from './light-feed.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import type { EventRow } from '../sqlite/events.ts';
import { findState, type StateRow } from '../sqlite/progress.ts';
import { listTombstonesAfter, newestTombstone, TOMBSTONES_MAX, type Tombstone } from '../sqlite/tombstones.ts';

/** A client that watches live. Its functions neither wait nor throw. */
export type Watcher = {
  readonly user_id: string;
  /** Whether it wants the events of all tasks now. */
  readonly wantsAll: boolean;
  /** Whether it wants the changes of tasks. */
  readonly wantsTasks: boolean;
  /** How it wants the log of this task, if it does. */
  logOf: (task_id: string) => { readonly live: boolean; readonly bodies: Bodies } | undefined;
  wantsDeltas: (task_id: string) => boolean;
  /** Stored events of all tasks; `last_id` is the id of the last one. */
  events: (frame: Buffer, last_id: number) => void;
  /** Stored events of one task. */
  log: (task_id: string, frame: Buffer, last_id: number) => void;
  /** What changed of tasks. `cursor` 0: more frames belong to it. `frame`: both of these, encoded. */
  tasks: (tasks: TaskChange[], frame: Buffer, cursor: number) => void;
  removed: (task_ids: readonly string[], frame: Buffer) => void;
  /** More tasks were removed at once than are known. */
  removedMany: () => void;
  /** A state or a delta is not stored: a watcher that is behind drops it. */
  state: (task_id: string, frame: Buffer) => void;
  deltas: (frame: Buffer) => void;
};

/** The limit of the event bodies in one live frame, in characters. */
const FRAME_BODIES_MAX = 256 * 1024;

/**
 * Publishes events, states and deltas to the watchers of the user they belong to. Builds no frame without a watcher.
 */
export class Relay {
  /** How the tasks of users change. */
  readonly light: LightFeed;
  readonly #log: EventLog;
  readonly #watchers = new Map<string, Set<Watcher>>();
  #tombstone: number;

  /** `gate`: why no queued task can start, or null. */
  constructor(log: EventLog, gate: { readonly fault: string | null }) {
    this.#log = log;
    this.#tombstone = newestTombstone(log.db);
    this.light = new LightFeed({
      db: log.db,
      gate,
      isWanted: (user_id) => this.of(user_id).some(({ wantsTasks }) => wantsTasks),
      publish: (user_id, tasks, cursor) => {
        const frame = encode({ type: 'tasks', cursor, tasks });
        for (const watcher of this.of(user_id)) watcher.tasks(tasks, frame, cursor);
      },
    });
    log.subscribeToAll((rows) => this.#publish(rows));
    log.subscribeToNotice('removed', () => this.#publishRemoved());
  }

  join(watcher: Watcher): void {
    const watchers = this.#watchers.get(watcher.user_id);
    if (watchers) watchers.add(watcher);
    else this.#watchers.set(watcher.user_id, new Set([watcher]));
  }

  leave(watcher: Watcher): void {
    const watchers = this.#watchers.get(watcher.user_id);
    watchers?.delete(watcher);
    if (watchers?.size === 0) this.#watchers.delete(watcher.user_id);
  }

  /** The number of all watchers. */
  get watching(): number {
    let count = 0;
    for (const watchers of this.#watchers.values()) count += watchers.size;
    return count;
  }

  /** This user's watchers, in the order in which they joined. */
  of(user_id: string): Watcher[] {
    return [...(this.#watchers.get(user_id) ?? [])];
  }

  /** The number of this user's watchers. */
  count(user_id: string): number {
    return this.#watchers.get(user_id)?.size ?? 0;
  }

  /** Publishes a task's state once the transaction that has changed it is on disk. */
  state(tx: Tx, task_id: string): void {
    tx.afterCommit(() => {
      const state = findState(this.#log.db, task_id);
      if (state) this.#publishState(state);
    });
  }

  deltas(task: { id: string; user_id: string }, attempt: number, deltas: Delta[]): void {
    let frame: Buffer | undefined;
    for (const watcher of this.#watchers.get(task.user_id) ?? []) {
      if (!watcher.wantsDeltas(task.id)) continue;
      frame ??= deltaFrame(task.id, attempt, deltas);
      watcher.deltas(frame);
    }
  }

  #publish(rows: EventRow[]): void {
    for (const [user_id, own] of Map.groupBy(rows, (row) => row.user_id)) {
      const watchers = this.of(user_id);
      if (watchers.length === 0) continue;
      publishAll(watchers, own);
      for (const [task_id, of_task] of Map.groupBy(own, (row) => row.task_id)) publishLog(watchers, task_id, of_task);
      this.light.events(user_id, own);
    }
  }

  #publishState(state: StateRow): void {
    const watchers = this.#watchers.get(state.user_id);
    if (!watchers) return;
    const frame = stateFrame(state);
    for (const watcher of watchers) watcher.state(state.id, frame);
    this.light.touch(state.user_id, state.id);
  }

  #publishRemoved(): void {
    for (const [user_id, own] of Map.groupBy(this.#newTombstones(), (tombstone) => tombstone.user_id)) {
      const task_ids = own.map(({ task_id }) => task_id);
      const frame = encode({ type: 'removed', task_ids });
      for (const watcher of this.of(user_id)) {
        watcher.removed(task_ids, frame);
        if (own.length >= TOMBSTONES_MAX) watcher.removedMany();
      }
    }
  }

  /** One transaction may leave many, as that of a project does. */
  #newTombstones(): Tombstone[] {
    const all: Tombstone[] = [];
    for (;;) {
      const page = listTombstonesAfter(this.#log.db, this.#tombstone);
      all.push(...page);
      this.#tombstone = page.at(-1)?.id ?? this.#tombstone;
      if (page.length < TOMBSTONES_MAX) return all;
    }
  }
}

/** For those who want the events of all tasks. */
function publishAll(watchers: readonly Watcher[], rows: EventRow[]): void {
  const wanting = watchers.filter(({ wantsAll }) => wantsAll);
  if (wanting.length === 0) return;
  for (const batch of batchesOf(rows, FRAME_BODIES_MAX)) {
    const frame = eventsFrame(batch);
    for (const watcher of wanting) watcher.events(frame, batch.at(-1)?.id ?? 0);
  }
}

/** For those who want the log of this task. */
function publishLog(watchers: readonly Watcher[], task_id: string, rows: EventRow[]): void {
  for (const bodies of ['short', 'whole'] as const) {
    const wanting = watchers.filter((watcher) => {
      const log = watcher.logOf(task_id);
      return log?.live === true && log.bodies === bodies;
    });
    if (wanting.length === 0) continue;
    for (const batch of batchesOf(rows, FRAME_BODIES_MAX)) {
      const frame = logFrame(task_id, bodies, batch);
      for (const watcher of wanting) watcher.log(task_id, frame, batch.at(-1)?.id ?? 0);
    }
  }
}
