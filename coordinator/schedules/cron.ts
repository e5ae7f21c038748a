import { Cron } from 'croner';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError, wrongField, type Why } from '../../protocol/problem.ts';

const NAMES = /\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|sun|mon|tue|wed|thu|fri|sat)\b/gi;
const DAY_MS = 24 * 3600_000;
/** A leap year and the four years around it: each pair of days that can follow each other does so in them. */
const DAYS_MAX = 5 * 366;
/** Any day will do: a pattern is the same on each of its days. */
const SOME_DAY = Date.UTC(2024, 0, 1);

/**
 * The wall times of a cron expression after `wall`, ascending. They are read in UTC: the pattern alone is croner's
 * part, what a time on the wall means in a zone is that of `./wall-clock.ts`.
 */
export function* wallTimes(cron: string, wall: number): Generator<number, void> {
  const pattern = new Cron(cron, { timezone: 'UTC', mode: '5-part', paused: true });
  for (let next = pattern.nextRun(new Date(wall)); next; next = pattern.nextRun(next)) yield next.getTime();
}

/** Throws `invalid` for what is no cron expression, never comes true, or comes true too often. */
export function requireCron(cron: string): void {
  const fault = faultOf(cron);
  if (fault === undefined) return;
  const [message, why] = fault;
  throw new ErrandError('invalid', `The cron expression ${message}.`, { errors: [wrongField('/cron', message, why)] });
}

function faultOf(cron: string): [message: string, why: Why] | undefined {
  if (!/^[\d*,/\s-]+$/.test(cron.replace(NAMES, '0')))
    return ['may have only digits, names, and * , - /', { reason: 'cron_not_understood' }];
  let first: number | undefined;
  try {
    first = wallTimes(cron, SOME_DAY - 1).next().value ?? undefined;
  } catch (error) {
    const words = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error);
    return [`is not understood: ${words.charAt(0).toLowerCase()}${words.slice(1)}`, { reason: 'cron_not_understood' }];
  }
  if (first === undefined) return ['names a day that never comes', { reason: 'cron_never' }];
  const close = closeTimes(cron, first);
  if (!close) return undefined;
  const minutes = LIMITS.schedule_interval_ms_min / 60_000;
  const [one, next] = close.map((wall) => new Date(wall).toISOString().slice(11, 16));
  return [
    `runs more often than every ${minutes} minutes, which is the most, such as at ${one} and ${next}`,
    { reason: 'cron_too_often', params: { minutes: String(minutes) } },
  ];
}

/** Two due times that are closer than they may be: on one day, or the last of a day and the first of the next. */
function closeTimes(cron: string, first: number): [number, number] | undefined {
  const end_of_day = (Math.floor(first / DAY_MS) + 1) * DAY_MS;
  let last = first;
  for (const wall of wallTimes(cron, first)) {
    if (wall >= end_of_day) break;
    if (wall - last < LIMITS.schedule_interval_ms_min) return [last, wall];
    last = wall;
  }
  const is_close = (first % DAY_MS) + DAY_MS - (last % DAY_MS) < LIMITS.schedule_interval_ms_min;
  return is_close && hasDaysInARow(cron) ? [last, first] : undefined;
}

function hasDaysInARow(cron: string): boolean {
  const days = `0 0 ${cron.split(' ').slice(2).join(' ')}`;
  let before = 0;
  for (const day of wallTimes(days, SOME_DAY - 1)) {
    if (day > SOME_DAY + DAYS_MAX * DAY_MS) return false;
    if (day - before === DAY_MS) return true;
    before = day;
  }
  return false;
}
