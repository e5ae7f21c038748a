import type { Delta } from '../../protocol/events.ts';
import { batchesOf, deltaFrame, eventsFrame, stateFrame } from './frames.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { EventRow } from '../sqlite/events.ts';
import type { StateRow } from '../sqlite/progress.ts';

/** A client that watches live. Its functions neither wait nor throw. */
export type Watcher = {
  readonly user_id: string;
  /** The task whose deltas it wants. */
  readonly task_id: string | undefined;
  /** Stored events; `last_id` is the id of the last one. */
  events: (frame: Buffer, last_id: number) => void;
  /** A state or a delta, which is not stored: a watcher that is behind drops it. */
  transient: (frame: Buffer) => void;
};

/** The limit of the event bodies in one live frame, in characters. */
const FRAME_BODIES_MAX = 256 * 1024;

/**
 * Publishes events, states and deltas to the watchers of the user they belong to. Builds no frame without a watcher.
 */
export class Relay {
  readonly #watchers = new Map<string, Set<Watcher>>();

  constructor(log: EventLog) {
    log.subscribeToAll((rows) => this.#publish(rows));
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

  #publish(rows: EventRow[]): void {
    for (const [user_id, own] of Map.groupBy(rows, (row) => row.user_id)) {
      const watchers = this.#watchers.get(user_id);
      if (!watchers) continue;
      for (const batch of batchesOf(own, FRAME_BODIES_MAX)) {
        const frame = eventsFrame(batch);
        const last_id = batch.at(-1)?.id ?? 0;
        for (const watcher of watchers) watcher.events(frame, last_id);
      }
    }
  }

  /** Publishes a task's new state. */
  state(state: StateRow): void {
    const watchers = this.#watchers.get(state.user_id);
    if (!watchers) return;
    const frame = stateFrame(state);
    for (const watcher of watchers) watcher.transient(frame);
  }

  deltas(task: { id: string; user_id: string }, attempt: number, deltas: Delta[]): void {
    let frame: Buffer | undefined;
    for (const watcher of this.#watchers.get(task.user_id) ?? []) {
      if (watcher.task_id !== task.id) continue;
      frame ??= deltaFrame(task.id, attempt, deltas);
      watcher.transient(frame);
    }
  }
}
