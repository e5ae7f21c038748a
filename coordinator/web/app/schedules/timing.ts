/** When a schedule runs, as a person sets it. `time`: `HH:MM`. `weekday`: 0 is Sunday. */
export type Timing = { kind: 'daily' | 'weekdays' | 'weekly' | 'cron'; time: string; weekday: number; cron: string };

export const KINDS = ['daily', 'weekdays', 'weekly', 'cron'] as const;

/** What a new schedule begins with. */
export const FIRST: Timing = { kind: 'daily', time: '03:00', weekday: 1, cron: '0 3 * * *' };

/** The cron expression of a timing. */
export function cronOf({ kind, time, weekday, cron }: Timing): string {
  if (kind === 'cron') return cron.trim();
  const [hour, minute] = time.split(':').map(Number);
  const days = { daily: '*', weekdays: '1-5', weekly: String(weekday) }[kind];
  return `${minute ?? 0} ${hour ?? 0} * * ${days}`;
}

/** The simplest timing that has this cron expression. */
export function timingOf(cron: string): Timing {
  const [, minute = '', hour = '', days = ''] = /^(\d{1,2}) (\d{1,2}) \* \* (\*|1-5|[0-7])$/.exec(cron) ?? [];
  if (days === '') return { ...FIRST, kind: 'cron', cron };
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  if (days === '*') return { ...FIRST, kind: 'daily', time, cron };
  if (days === '1-5') return { ...FIRST, kind: 'weekdays', time, cron };
  return { kind: 'weekly', time, weekday: Number(days) % 7, cron };
}
