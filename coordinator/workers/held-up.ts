/** A timer that fires later than this means that the whole process was stalled, and could hear nothing meanwhile. */
const PROCESS_STALL_MS = 1_000;
/** Calls that came during a hold-up are read only after the timers: they get this long. */
const CATCH_UP_MS = 500;

type Quiet = { quiet_since_ms: number; left_out_ms: number };

/**
 * How much of the time since `quiet_since_ms` does not count, because a timer of this process fires `late_ms` after
 * it was due. The time before the hold-up still counts. Many short hold-ups leave out `bound_ms` in all, the longest
 * wait: a process that is always late still finds who is silent, after about twice the bound.
 */
export function heldUpMs(
  { quiet_since_ms, left_out_ms }: Quiet,
  late_ms: number,
  now_ms: number,
  bound_ms: number,
): number {
  if (late_ms <= PROCESS_STALL_MS) return 0;
  const lost_ms = late_ms + CATCH_UP_MS;
  // A part of the hold-up may lie before the quiet began.
  return Math.max(0, Math.min(lost_ms, Math.max(bound_ms, lost_ms) - left_out_ms, now_ms - quiet_since_ms));
}
