import { LIMITS } from '../../protocol/limits.ts';
import { Rate } from '../base/rate.ts';

const DAY_MS = 24 * 3600_000;

/** What one person may do in some time, by their id. Deleting is free: whoever did too much can take it back. */
export type PersonRates = {
  writes: Rate;
  /** Acts that the audit log records. It has room for so many, and the entries of others are in it. */
  audited: Rate;
};

export function personRates(): PersonRates {
  return {
    writes: new Rate(LIMITS.writes_per_minute_max, 'You send too many changes.'),
    audited: new Rate(
      LIMITS.audited_acts_per_day_max,
      'You have changed too much today that is recorded in the audit log.',
      Date.now,
      DAY_MS,
    ),
  };
}
