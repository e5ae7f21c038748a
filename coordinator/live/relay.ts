import type { Delta } from '../../protocol/events.ts';
import { deltaFrame, eventsFrame, runsOf, stateFrame } from './frames.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import type { EventRow } from '../sqlite/events.ts';
import type { StateRow } from '../sqlite/progress.ts';

/** One client that watches live. None of its functions wait or throw. */
export type Watcher = {
  readonly user_id: string;
  /** The task whose deltas it wants. */
  readonly task_id: string | undefined;
  /** Durable: `last_id` is the id of the frame's last event. */
  events: (frame: Buffer, last_id: number) => void;
  /** A state or a delta: a watcher that is behind passes over it. */
  passing: (frame: Buffer) => void;
};

/** The text of the events in one live frame, in characters. */
const FRAME_BODIES_MAX = 256 * 1024;

/** Brings what happens to those who watch: each user's things to that user alone. A frame is built only where somebody watches. */
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

  /** How many watch. */
  get watching(): number {
    let count = 0;
    for (const watchers of this.#watchers.values()) count += watchers.size;
    return count;
  }

  /** How many watch as this user. */
  count(user_id: string): number {
    return this.#watchers.get(user_id)?.size ?? 0;
  }

  #publish(rows: EventRow[]): void {
    for (const [user_id, own] of Map.groupBy(rows, (row) => row.user_id)) {
      const watchers = this.#watchers.get(user_id);
      if (!watchers) continue;
      for (const run of runsOf(own, FRAME_BODIES_MAX)) {
        const frame = eventsFrame(run);
        const last_id = run.at(-1)?.id ?? 0;
        for (const watcher of watchers) watcher.events(frame, last_id);
      }
    }
  }

  /** How a task stands now, where that changed. */
  state(state: StateRow): void {
    const watchers = this.#watchers.get(state.user_id);
    if (!watchers) return;
    const frame = stateFrame(state);
    for (const watcher of watchers) watcher.passing(frame);
  }

  deltas(task: { id: string; user_id: string }, attempt: number, deltas: Delta[]): void {
    let frame: Buffer | undefined;
    for (const watcher of this.#watchers.get(task.user_id) ?? []) {
      if (watcher.task_id !== task.id) continue;
      frame ??= deltaFrame(task.id, attempt, deltas);
      watcher.passing(frame);
    }
  }
}
