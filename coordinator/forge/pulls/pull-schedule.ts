import { nextTryAt } from '../../base/retry.ts';
import { isoTime } from '../../base/iso-time.ts';
import type { PullRow } from '../../domain/pull.ts';
import type { PullFault } from './pull-faults.ts';

/** How long things wait, in milliseconds. */
export type PullTimes = {
  /** Between two looks at an open pull request. Webhooks tell of changes at once, where there are any. */
  look_ms_min: number;
  look_ms_max: number;
  /** After a failed call; longer after each further one. */
  retry_ms_min: number;
  retry_ms_max: number;
  /** How long a forge has to find out whether a pull request conflicts with its base, before it is asked once more. */
  conflicts_ms: number;
  /** Opening one is given up after this. */
  give_up_ms: number;
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const PULL_TIMES: PullTimes = {
  look_ms_min: MINUTE,
  look_ms_max: 6 * HOUR,
  retry_ms_min: 15_000,
  retry_ms_max: HOUR,
  conflicts_ms: 2_000,
  give_up_ms: 24 * HOUR,
};
/** After this many failed reads in a row, a pull request is read no more often than one at which nothing happens. */
const FAILURES_MAX = 40;

/** When to look again: after a quarter of the time in which nothing has changed. Null: not by itself. */
export function nextLook(pull: Pick<PullRow, 'state' | 'updated_at'>, times: PullTimes, now: number): string | null {
  if (pull.state !== 'open') return null;
  const wait_ms = (now - Date.parse(pull.updated_at)) / 4;
  return isoTime(now + Math.min(Math.max(wait_ms, times.look_ms_min), times.look_ms_max));
}

/** What becomes of a pull request whose call has failed. */
export function afterFault(row: PullRow, fault: PullFault, times: PullTimes, now: number): Partial<PullRow> {
  const { problem, worth_a_retry, retry_at } = fault;
  const failures = row.failures + 1;
  const backoff = { first_ms: times.retry_ms_min, max_ms: times.retry_ms_max };
  const next = nextTryAt(backoff, { tries: row.failures, now, not_before: retry_at?.getTime() });
  const again = { problem, failures, next_look_at: isoTime(next) };
  if (row.state !== 'opening') {
    const is_soon = worth_a_retry && failures < FAILURES_MAX;
    return is_soon ? again : { ...again, next_look_at: isoTime(Math.max(next, now + times.look_ms_max)) };
  }
  const gives_up = next > Date.parse(row.wished_at) + times.give_up_ms;
  return worth_a_retry && !gives_up ? again : { ...again, next_look_at: null, state: 'failed' };
}
