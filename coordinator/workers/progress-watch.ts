import type { WaitingFor } from '../../protocol/task.ts';
import type { Logger } from '../base/logger.ts';
import { Periodic } from '../base/periodic.ts';
import { attemptKey } from '../domain/attempt-key.ts';
import { QuietTime } from './quiet-time.ts';

/**
 * An attempt that makes no progress, or takes longer than any attempt may (`over_time`). `waiting_for`: what its
 * worker waits for, by its last report.
 */
export type Stall = { task_id: string; attempt: number; waiting_for: WaitingFor | null; over_time: boolean };

export type StallTimes = { stall_ms: number; wait_grace_ms: number };

export type ProgressWatchDependencies = {
  /** Returns whether it ended the attempt. If not, it is called again after another `stall_ms`. */
  onStall: (stall: Stall) => boolean;
  times: StallTimes;
  logger: Logger;
};

type Watched = Omit<Stall, 'over_time'> & {
  /** When the attempt must end, whatever its worker reports. */
  deadline_ms: number;
  /** Since its last sign of progress. */
  quiet: QuietTime;
  /** When its wait must be over; null if the wait has no `until`. */
  wait_ends_ms: number | null;
  /** How many of its requests to the model or to git are being forwarded. These have time limits of their own. */
  forwarding: number;
};

/** How many checks there are in one `stall_ms`. */
const CHECKS = 20;

/**
 * Finds attempts whose worker calls but makes no progress: heartbeats come from a timer that keeps running while the
 * agent's loop hangs. A wait with an `until` may last until then, plus a grace period. Anything else may last
 * `stall_ms` without a sign of progress. A worker may lie, so each attempt also has a deadline. The state is in memory,
 * by monotonic time, and starts again with the server.
 */
export class ProgressWatch {
  readonly #times: StallTimes;
  readonly #onStall: ProgressWatchDependencies['onStall'];
  readonly #logger: Logger;
  readonly #watched = new Map<string, Watched>();
  readonly #checks: Periodic;
  #checked_ms = performance.now();

  constructor({ onStall, times, logger }: ProgressWatchDependencies) {
    this.#times = times;
    this.#onStall = onStall;
    this.#logger = logger;
    this.#checks = new Periodic({
      every_ms: times.stall_ms / CHECKS,
      work: () => this.#check(),
      onError: (error) => logger.error({ err: error }, 'progress of workers not checked'),
    });
  }

  /** Starts the checks. */
  start(): void {
    void this.#checks.start();
  }

  /** The attempt was started or adopted, and must end within this time. Of other attempts nothing is recorded. */
  begin(task_id: string, attempt: number, within_ms: number): void {
    const quiet = new QuietTime();
    const fresh = { task_id, attempt, waiting_for: null, quiet, wait_ends_ms: null, forwarding: 0 };
    this.#watched.set(attemptKey(fresh), { ...fresh, deadline_ms: quiet.since_ms + within_ms });
  }

  /** The attempt made progress: an event came. */
  recordProgress(task_id: string, attempt: number): void {
    this.#find(task_id, attempt)?.quiet.restart();
  }

  /** A piece of output came. During a wait with an `until` it is not progress: a command may print for ever. */
  recordOutput(task_id: string, attempt: number): void {
    const watched = this.#find(task_id, attempt);
    if (watched?.wait_ends_ms === null) watched.quiet.restart();
  }

  /** The worker reports what it waits for. A repeated report is not progress. */
  recordWait(task_id: string, attempt: number, waiting_for: WaitingFor | null): void {
    const watched = this.#find(task_id, attempt);
    if (!watched) return;
    const before = watched.waiting_for;
    if (before?.kind === waiting_for?.kind && before?.since === waiting_for?.since) return;
    watched.waiting_for = waiting_for;
    watched.quiet.restart();
    watched.wait_ends_ms = this.#endOf(waiting_for, watched.quiet.since_ms);
  }

  /** A request is being forwarded for the attempt, until the returned function is called. */
  beginForward(task_id: string, attempt: number): () => void {
    const watched = this.#find(task_id, attempt);
    if (!watched) return () => undefined;
    watched.forwarding++;
    return () => {
      watched.forwarding--;
      watched.quiet.restart();
    };
  }

  /** The attempt has ended. */
  end(task_id: string, attempt: number): void {
    this.#watched.delete(attemptKey({ task_id, attempt }));
  }

  /** Stops the checks. */
  stop(): void {
    void this.#checks.stop();
  }

  #find(task_id: string, attempt: number): Watched | undefined {
    return this.#watched.get(attemptKey({ task_id, attempt }));
  }

  /** Uses the length of the wait, because the worker's clock may differ from this one. */
  #endOf(waiting_for: WaitingFor | null, now: number): number | null {
    if (waiting_for === null || !('until' in waiting_for) || waiting_for.until === undefined) return null;
    const length_ms = Date.parse(waiting_for.until) - Date.parse(waiting_for.since);
    return now + Math.max(0, length_ms) + this.#times.wait_grace_ms;
  }

  #check(): void {
    const now = performance.now();
    const late_ms = now - this.#checked_ms - this.#times.stall_ms / CHECKS;
    this.#checked_ms = now;
    for (const [key, watched] of this.#watched) {
      const left_out_ms = watched.quiet.leaveOut(late_ms, now, this.#times.stall_ms);
      watched.deadline_ms += left_out_ms;
      if (watched.wait_ends_ms !== null) watched.wait_ends_ms += left_out_ms;
      const over_time = now >= watched.deadline_ms;
      if (!over_time && (watched.forwarding > 0 || now < this.#dueOf(watched))) continue;
      if (this.#hasEnded(watched, over_time)) this.#watched.delete(key);
      else watched.quiet.restart();
    }
  }

  /** Reports the stall. An error of one attempt keeps no other from being checked. */
  #hasEnded({ task_id, attempt, waiting_for }: Watched, over_time: boolean): boolean {
    try {
      return this.#onStall({ task_id, attempt, waiting_for, over_time });
    } catch (error) {
      this.#logger.error({ err: error, task_id, attempt }, 'stalled worker not checked; retrying');
      return false;
    }
  }

  #dueOf({ waiting_for, quiet, wait_ends_ms }: Watched): number {
    const moving_ms = quiet.since_ms + this.#times.stall_ms;
    if (wait_ends_ms !== null) return Math.max(wait_ends_ms, quiet.since_ms + this.#times.wait_grace_ms);
    // A person may take any time.
    return waiting_for?.kind === 'person' ? Infinity : moving_ms;
  }
}
