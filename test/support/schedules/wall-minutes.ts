/*
 * Due times by the letter of the rule, with nothing of the server's: each minute of the year is looked at. The clock
 * changes are written down from the time zone database, and the cron expressions are read here.
 */

const MINUTE_MS = 60_000;

/** A zone: how far its clocks are ahead of UTC in minutes at the start of 2026, and when that changes. */
export type Zone = { name: string; ahead: number; changes: { at: string; ahead: number }[] };

/** Zones that change by an hour at night, at midnight, by half an hour, the other way round in the year, and never. */
export const ZONES: readonly Zone[] = [
  {
    name: 'Europe/Berlin',
    ahead: 60,
    changes: [
      { at: '2026-03-29T01:00Z', ahead: 120 },
      { at: '2026-10-25T01:00Z', ahead: 60 },
    ],
  },
  {
    name: 'America/New_York',
    ahead: -300,
    changes: [
      { at: '2026-03-08T07:00Z', ahead: -240 },
      { at: '2026-11-01T06:00Z', ahead: -300 },
    ],
  },
  {
    name: 'Australia/Lord_Howe',
    ahead: 660,
    changes: [
      { at: '2026-04-04T15:00Z', ahead: 630 },
      { at: '2026-10-03T15:30Z', ahead: 660 },
    ],
  },
  {
    name: 'America/Santiago',
    ahead: -180,
    changes: [
      { at: '2026-04-05T03:00Z', ahead: -240 },
      { at: '2026-09-06T04:00Z', ahead: -180 },
    ],
  },
  { name: 'Asia/Kolkata', ahead: 330, changes: [] },
];

/**
 * The due times from `from` (exclusive) to `to` (inclusive), in ms. A minute is due if the clocks show for the first
 * time a time on the wall that the expression names, or pass over one.
 */
export function dueMinutes(cron: string, zone: Zone, from: number, to: number): number[] {
  const matches = matcherOf(cron);
  const due: number[] = [];
  let shown = -Infinity;
  for (let at = from - 2 * 24 * 60 * MINUTE_MS; at <= to; at += MINUTE_MS) {
    const wall = at + aheadAt(zone, at) * MINUTE_MS;
    let any = false;
    for (let each = Math.max(shown + MINUTE_MS, wall - 24 * 60 * MINUTE_MS); each <= wall; each += MINUTE_MS)
      any ||= matches(new Date(each));
    if (any && at > from) due.push(at);
    shown = Math.max(shown, wall);
  }
  return due;
}

function aheadAt({ ahead, changes }: Zone, at: number): number {
  return changes.findLast((change) => Date.parse(change.at) <= at)?.ahead ?? ahead;
}

function matcherOf(cron: string): (wall: Date) => boolean {
  const [minutes = '', hours = '', days = '', months = '', weekdays = ''] = cron.split(' ');
  const [minute, hour, day, month] = [
    setOf(minutes, 0, 59),
    setOf(hours, 0, 23),
    setOf(days, 1, 31),
    setOf(months, 1, 12),
  ];
  const weekday = new Set([...setOf(weekdays, 0, 7)].map((value) => value % 7));
  return (wall) => {
    const on_day = day.has(wall.getUTCDate());
    const on_weekday = weekday.has(wall.getUTCDay());
    // With both days given, either is enough.
    const on = days === '*' || weekdays === '*' ? on_day && on_weekday : on_day || on_weekday;
    return on && month.has(wall.getUTCMonth() + 1) && hour.has(wall.getUTCHours()) && minute.has(wall.getUTCMinutes());
  };
}

function setOf(field: string, min: number, max: number): Set<number> {
  const values = field.split(',').flatMap((part) => {
    const [range = '', step = '1'] = part.split('/');
    const [first, last = first] = range === '*' ? [min, max] : range.split('-').map(Number);
    if (first === undefined || last === undefined) throw new Error(`'${field}' is not a field of a cron expression.`);
    const count = Math.floor((last - first) / Number(step)) + 1;
    return Array.from({ length: count }, (_, index) => first + index * Number(step));
  });
  return new Set(values);
}
