import type { FailureReason } from '../../protocol/task.ts';

/*
 * The Claude API or the forge cannot be reached, or asks to wait; a month's spending is reached; or the container
 * engine was stopped with its workers. That is not the task's fault: it is bounded by time and not by the number of
 * attempts, and no worker is kept meanwhile.
 */

const HOUR_MS = 3_600_000;
/** An outage without a named end is waited for this long. */
export const OUTAGE_MS_MAX = 6 * HOUR_MS;
/** The longest wait that a service may name. */
const NAMED_WAIT_MS_MAX = 7 * 24 * HOUR_MS;
const WAIT_MS_MIN = 5_000;
const WAIT_MS_MAX = 10 * 60_000;

const OUTAGES: readonly FailureReason[] = [
  'model_unavailable',
  'spending_cap',
  'repository_unavailable',
  'push_failed',
];

/** Whether an attempt that failed for this reason has met an outage. */
export const isOutage = (reason: FailureReason): boolean => OUTAGES.includes(reason);

/** `waited_ms`: how long the task waited before the attempt that now ends. */
type OutageEnd = { at: string; retry_at?: string | null; progressed?: boolean; waited_ms?: number };
/** `retry_at` null: the task is given up, and `given_up` says why. */
type Next = { retry_at: string | null; outage_since: string; given_up: string };

/**
 * When the next attempt may start after one that met an outage. A time that the service names is kept. Without one the
 * wait grows with the outage. `outage_since`: when the outage began, if earlier attempts met it too.
 */
export function afterOutage(outage_since: string | null, end: OutageEnd): Next {
  const now = Date.parse(end.at);
  const named_at = end.retry_at ?? null;
  // Nobody tried while it waited for a named time, so what failed then says nothing of an outage now.
  const is_new = named_at === null && (end.waited_ms ?? 0) > 2 * WAIT_MS_MAX;
  const since = end.progressed === true || is_new || outage_since === null ? end.at : outage_since;
  const lasted_ms = Math.max(0, now - Date.parse(since));
  const named_ms = named_at === null ? 0 : Date.parse(named_at) - now;
  const giveUp = (given_up: string): Next => ({ retry_at: null, outage_since: since, given_up });
  if (named_ms > NAMED_WAIT_MS_MAX) return giveUp('That is longer than a week: retry it yourself then.');
  if (named_ms <= 0 && lasted_ms > OUTAGE_MS_MAX) return giveUp(`It has been like this since ${since}.`);
  if (lasted_ms > NAMED_WAIT_MS_MAX) return giveUp(`It has been like this for a week, since ${since}.`);
  const wait_ms = Math.max(named_ms, Math.min(Math.max(lasted_ms / 2, WAIT_MS_MIN), WAIT_MS_MAX));
  return { retry_at: new Date(now + wait_ms).toISOString(), outage_since: since, given_up: '' };
}
