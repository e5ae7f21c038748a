/** A timer that fires later than this means that the whole process was stalled, and could hear nothing meanwhile. */
const PROCESS_STALL_MS = 1_000;
/** Calls that came during a hold-up are read only after the timers: they get this long. */
const CATCH_UP_MS = 500;

/** Since when a worker is quiet, by monotonic time, without the time in which this process was held up. */
export class QuietTime {
  #since_ms = performance.now();
  #left_out_ms = 0;

  /** The last sign of the worker, moved on by what was left out. */
  get since_ms(): number {
    return this.#since_ms;
  }

  /** There was a sign of the worker. */
  restart(): void {
    this.#since_ms = performance.now();
    this.#left_out_ms = 0;
  }

  /**
   * Leaves out what a timer of this process lost that fires `late_ms` after it was due; returns how much that is. The
   * time before the hold-up still counts. Many short hold-ups leave out `bound_ms` in all, the longest wait: a process
   * that is always late still finds who is silent, after about twice the bound.
   */
  leaveOut(late_ms: number, now_ms: number, bound_ms: number): number {
    if (late_ms <= PROCESS_STALL_MS) return 0;
    const lost_ms = late_ms + CATCH_UP_MS;
    const room_ms = Math.max(bound_ms, lost_ms) - this.#left_out_ms;
    // A part of the hold-up may lie before the quiet began.
    const left_out_ms = Math.max(0, Math.min(lost_ms, room_ms, now_ms - this.#since_ms));
    this.#since_ms += left_out_ms;
    this.#left_out_ms += left_out_ms;
    return left_out_ms;
  }
}
