import { LIMITS } from '../../protocol/limits.ts';
import type { WaitingFor } from '../../protocol/task.ts';

/** An attempt that stands still, or goes on for longer than any may (`over_time`), and what its worker last said that it waits for. */
export type Stall = { task_id: string; attempt: number; waiting_for: WaitingFor | null; over_time: boolean };

export type StallTimes = { stall_ms: number; wait_grace_ms: number };

type Watched = Omit<Stall, 'over_time'> & {
  /** When the attempt has to be over, whatever it says of itself. */
  over_ms: number;
  /** When its last sign of progress came, by this process's own clock. */
  moved_ms: number;
  /** When its wait is over at the latest; null: it has no end of its own. */
  wait_ends_ms: number | null;
  /** How much is being carried for it: model requests and git's. Those have bounds of their own. */
  carried: number;
};

/** Looks in one `stall_ms`. */
const LOOKS = 20;
/** A look that comes later than this was held up with the whole process: nobody could move meanwhile. */
const OWN_SILENCE_MS = 1_000;

/**
 * Finds the attempts whose worker goes on calling while its work stands still: heartbeats come from a timer, which outlives a loop that is stuck. A
 * wait with an end may last until then, and a grace more; all else may last `stall_ms` without a sign of progress. A worker may lie, and
 * so each attempt has an end besides. In memory, by monotonic time; after a start each attempt is watched anew.
 */
export class ProgressWatch {
  readonly #times: StallTimes;
  readonly #onStall: (stall: Stall) => boolean;
  readonly #watched = new Map<string, Watched>();
  readonly #timer: NodeJS.Timeout;
  #looked_ms = performance.now();

  /** `onStall` gives whether that ended the attempt; where not, it is found once more, after another wait. */
  constructor(onStall: (stall: Stall) => boolean, times: StallTimes = LIMITS) {
    this.#times = times;
    this.#onStall = onStall;
    this.#timer = setInterval(() => this.#look(), times.stall_ms / LOOKS).unref();
  }

  /** The attempt was begun, or taken up, and has to be over after this time. */
  begin(task_id: string, attempt: number, within_ms: number): void {
    this.#of(task_id, attempt).over_ms = performance.now() + within_ms;
  }

  /** The attempt moved: an event came, or something that was carried for it has ended. */
  moved(task_id: string, attempt: number): void {
    this.#of(task_id, attempt).moved_ms = performance.now();
  }

  /** A piece of output came. Within a wait that has an end it is no progress: a command may print for ever. */
  heard(task_id: string, attempt: number): void {
    const watched = this.#of(task_id, attempt);
    if (watched.wait_ends_ms === null) watched.moved_ms = performance.now();
  }

  /** The worker says what it waits for. To say the same again is no progress. */
  waits(task_id: string, attempt: number, waiting_for: WaitingFor | null): void {
    const watched = this.#of(task_id, attempt);
    const before = watched.waiting_for;
    if (before?.kind === waiting_for?.kind && before?.since === waiting_for?.since) return;
    watched.waiting_for = waiting_for;
    watched.moved_ms = performance.now();
    watched.wait_ends_ms = this.#endOf(waiting_for, watched.moved_ms);
  }

  /** Something is carried for the attempt, until the function that this gives is called. */
  carries(task_id: string, attempt: number): () => void {
    const watched = this.#of(task_id, attempt);
    watched.carried++;
    return () => {
      watched.carried--;
      watched.moved_ms = performance.now();
    };
  }

  /** The attempt has ended. */
  end(task_id: string, attempt: number): void {
    this.#watched.delete(`${task_id}/${attempt}`);
  }

  /** Watches no more. */
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
      carried: 0,
      over_ms: Infinity,
    };
    this.#watched.set(key, fresh);
    return fresh;
  }

  /** By the length of the wait: the worker's clock may be another than this one. */
  #endOf(waiting_for: WaitingFor | null, now: number): number | null {
    if (waiting_for === null || !('until' in waiting_for) || waiting_for.until === undefined) return null;
    const length_ms = Date.parse(waiting_for.until) - Date.parse(waiting_for.since);
    return now + Math.max(0, length_ms) + this.#times.wait_grace_ms;
  }

  #look(): void {
    const now = performance.now();
    const held_up_ms = now - this.#looked_ms - this.#times.stall_ms / LOOKS;
    this.#looked_ms = now;
    for (const [key, watched] of this.#watched) {
      if (held_up_ms > OWN_SILENCE_MS) {
        watched.moved_ms = now;
        watched.over_ms += held_up_ms;
      }
      const over_time = now >= watched.over_ms;
      if (!over_time && (watched.carried > 0 || now < this.#dueOf(watched))) continue;
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
