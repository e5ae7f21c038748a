import { wallTimes } from './cron.ts';
import { instantOf, wallAt } from './wall-clock.ts';

/** What decides when a schedule is due. */
export type Timing = { cron: string; time_zone: string };

/** The due times of a schedule after an instant (ms), ascending. `protocol/schedules.ts` has the rule. */
export function* dueTimes({ cron, time_zone }: Timing, after: number): Generator<number, void> {
  let last = after;
  for (const wall of wallTimes(cron, wallAt(time_zone, after))) {
    const instant = instantOf(time_zone, wall);
    // Times that are skipped together are one, and those that the clocks show again have passed.
    if (instant <= last) continue;
    yield instant;
    last = instant;
  }
}

/** The next due time after an instant. Throws where there is none: `requireCron` refuses such an expression. */
export function nextDue(timing: Timing, after: number): number {
  const { value } = dueTimes(timing, after).next();
  if (value === undefined) throw new Error('The schedule has no due time.');
  return value;
}
