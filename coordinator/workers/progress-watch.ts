import { LIMITS } from '../../protocol/limits.ts';
import type { WaitingFor } from '../../protocol/task.ts';

/** An attempt that makes no progress, or takes longer than any may (`over_time`), and what its worker last said it waits for. */
export type Stall = { task_id: string; attempt: number; waiting_for: WaitingFor | null; over_time: boolean };

export type StallTimes = { stall_ms: number; wait_grace_ms: number };

type Watched = Omit<Stall, 'over_time'> & {
  /** When the attempt must be over, whatever its worker reports. */
  over_ms: number;
  /** When its last sign of progress came. */
  moved_ms: number;
  /** When its wait is over at the latest; null: the wait has no end of its own. */
  wait_ends_ms: number | null;
  /** How many requests are being forwarded for it, to the model or to git. Those have time limits of their own. */
  forwarding: number;
};

/** Checks in one `stall_ms`. */
const CHECKS = 20;
/** A check that comes this much too late was held up with the whole process, which could not see any progress meanwhile. */
const PROCESS_STALL_MS = 1_000;

/**
 * Finds the attempts whose worker goes on calling without progress: heartbeats come from a timer, which goes on while the agent's loop is stuck.
 * A wait with an end may last until then, plus a grace; anything else may last `stall_ms` without a sign of progress. A worker may lie, so each
 * attempt also has an end of its own. In memory, by monotonic time; a start of the server begins anew.
 */
export class ProgressWatch {
  readonly #times: StallTimes;
  readonly #onStall: (stall: Stall) => boolean;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: NodeJS.Timeout;
  #checked_ms = performance.now();

  /** `onStall` returns whether it ended the attempt. Where it did not, it is called again after another wait. */
  constructor(onStall: (stall: Stall) => boolean, times: StallTimes = LIMITS) {
    this.#times = times;
    this.#onStall = onStall;
    this.#timer = setInterval(() => this.#check(), times.stall_ms / CHECKS).unref();
  }

  /** The attempt was started or taken up, and must be over after this time. */
  begin(task_id: string, attempt: number, within_ms: number): void {
    this.#of(task_id, attempt).over_ms = performance.now() + within_ms;
  }

  /** The attempt made progress: an event came. */
  recordProgress(task_id: string, attempt: number): void {
    this.#of(task_id, attempt).moved_ms = performance.now();
  }

  /** A piece of output came. In a wait that has an end this is no progress: a command may print for ever. */
  recordOutput(task_id: string, attempt: number): void {
    const watched = this.#of(task_id, attempt);
    if (watched.wait_ends_ms === null) watched.moved_ms = performance.now();
  }

  /** The worker reports what it waits for. The same report again is no progress. */
  recordWait(task_id: string, attempt: number, waiting_for: WaitingFor | null): void {
    const watched = this.#of(task_id, attempt);
    const before = watched.waiting_for;
    if (before?.kind === waiting_for?.kind && before?.since === waiting_for?.since) return;
    watched.waiting_for = waiting_for;
    watched.moved_ms = performance.now();
    watched.wait_ends_ms = this.#endOf(waiting_for, watched.moved_ms);
  }

  /** A request is being forwarded for the attempt, until the returned function is called. */
  beginForward(task_id: string, attempt: number): () => void {
    const watched = this.#of(task_id, attempt);
    watched.forwarding++;
    return () => {
      watched.forwarding--;
      watched.moved_ms = performance.now();
    };
  }

  /** The attempt has ended. */
  end(task_id: string, attempt: number): void {
    this.#watched.delete(`${task_id}/${attempt}`);
  }

  /** Stops the checks. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #of(task_id: string, attempt: number): Watched {
    const key = `${task_id}/${attempt}`;
    const known = this.#watched.get(key);
    if (known) return known;
    const now = performance.now();
    const fresh = {
      task_id,
      attempt,
      waiting_for: null,
      moved_ms: now,
      wait_ends_ms: null,
      forwarding: 0,
      over_ms: Infinity,
    };
    this.#watched.set(key, fresh);
    return fresh;
  }

  /** By the length of the wait, since the worker's clock may differ from this one. */
  #endOf(waiting_for: WaitingFor | null, now: number): number | null {
    if (waiting_for === null || !('until' in waiting_for) || waiting_for.until === undefined) return null;
    const length_ms = Date.parse(waiting_for.until) - Date.parse(waiting_for.since);
    return now + Math.max(0, length_ms) + this.#times.wait_grace_ms;
  }

  #check(): void {
    const now = performance.now();
    const held_up_ms = now - this.#checked_ms - this.#times.stall_ms / CHECKS;
    this.#checked_ms = now;
    for (const [key, watched] of this.#watched) {
      if (held_up_ms > PROCESS_STALL_MS) {
        watched.moved_ms = now;
        watched.over_ms += held_up_ms;
      }
      const over_time = now >= watched.over_ms;
      if (!over_time && (watched.forwarding > 0 || now < this.#dueOf(watched))) continue;
      const { task_id, attempt, waiting_for } = watched;
      if (this.#onStall({ task_id, attempt, waiting_for, over_time })) this.#watched.delete(key);
      else watched.moved_ms = now;
    }
  }

  #dueOf({ waiting_for, moved_ms, wait_ends_ms }: Watched): number {
    const moving_ms = moved_ms + this.#times.stall_ms;
    if (wait_ends_ms !== null) return Math.max(wait_ends_ms, moved_ms + this.#times.wait_grace_ms);
    // A person may take their time.
    return waiting_for?.kind === 'person' ? Infinity : moving_ms;
  }
}
