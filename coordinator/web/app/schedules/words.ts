import type { Schedule, ScheduleRun } from '../../../../protocol/schedules.ts';
import { locale, t } from '../../parts/speech.ts';
import { repositoryAddress } from '../../parts/words.ts';
import { s as texts } from '../screen-speech.ts';
import { timingOf } from './timing.ts';

/** The texts of these screens. */
export const s = texts.schedules;

/** The time zone of the device. */
export const OWN_ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Any Sunday. */
const SUNDAY = Date.UTC(2024, 0, 7);

export function weekdayName(weekday: number): string {
  return new Intl.DateTimeFormat(locale, { weekday: 'long', timeZone: 'UTC' }).format(SUNDAY + weekday * 86_400_000);
}

/** A time with its day, on the device's clock. */
export function moment(iso: string): string {
  const at = new Date(iso);
  const day = new Intl.DateTimeFormat(locale, { weekday: 'short', day: 'numeric', month: 'short' }).format(at);
  // By itself, as `format.clock` writes it.
  return `${day}, ${new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(at)}`;
}

/** When a schedule runs; its time zone only where that is not the device's. */
export function timingWords({ cron, time_zone }: Pick<Schedule, 'cron' | 'time_zone'>): string {
  const { kind, time, weekday } = timingOf(cron);
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: 'short', timeZone: 'UTC' });
  const at = clock.format(new Date(`2024-01-01T${time}Z`));
  const words = kind === 'cron' ? cron : kind === 'weekly' ? s.weekly(weekdayName(weekday), at) : s.at[kind](at);
  return time_zone === OWN_ZONE ? words : `${words}, ${time_zone}`;
}

/** Where a schedule works: its projects and repositories. */
export function placeWords(
  { project_id, repo_url, repositories = [] }: Pick<Schedule, 'project_id' | 'repo_url' | 'repositories'>,
  projects: readonly { id: string; name: string }[] = [],
): string {
  const nameOf = (wanted: string | null | undefined) => projects.find(({ id }) => id === wanted)?.name;
  return [{ project_id, repo_url }, ...repositories]
    .map((one) => (one.repo_url ? repositoryAddress(one.repo_url) : nameOf(one.project_id)))
    .filter((name) => name !== undefined)
    .join(', ');
}

/** What became of a due time. */
export function runWords({ task_id, outcome, reason, detail }: ScheduleRun): string {
  if (reason === null) return s.outcome[outcome ?? (task_id === null ? 'cancelled' : 'at_work')];
  return detail === null ? s.reason[reason] : `${s.reason[reason]}: ${t.in_english(detail)}`;
}
