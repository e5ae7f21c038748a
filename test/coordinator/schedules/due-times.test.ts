import test from 'ava';
import { requireCron } from '../../../coordinator/schedules/cron.ts';
import { dueTimes, nextDue } from '../../../coordinator/schedules/due-times.ts';
import { TimeZone } from '../../../protocol/schedules.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { dueMinutes, ZONES } from '../../support/schedules/wall-minutes.ts';

const HOUR_MS = 3600_000;
const iso = (ms: number) => new Date(ms).toISOString().slice(0, 16);

/** The due times of a day or two, as a person would check them. */
const NIGHTS: [what: string, cron: string, time_zone: string, from: string, expected: string[]][] = [
  [
    'a time that is skipped is due when the clocks go forward',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-03-28T12:00Z',
    ['2026-03-29T01:00', '2026-03-30T00:30'],
  ],
  [
    'several that are skipped together are one',
    '*/15 2 * * *',
    'Europe/Berlin',
    '2026-03-28T12:00Z',
    ['2026-03-29T01:00', '2026-03-30T00:00'],
  ],
  [
    'a time that is shown twice is due the first time',
    '30 2 * * *',
    'Europe/Berlin',
    '2026-10-24T12:00Z',
    ['2026-10-25T00:30', '2026-10-26T01:30'],
  ],
  [
    'so is each of an hour',
    '*/30 * * * *',
    'Europe/Berlin',
    '2026-10-24T23:45Z',
    ['2026-10-25T00:00', '2026-10-25T00:30', '2026-10-25T02:00'],
  ],
  [
    'a day that begins at one o’clock has its midnight then',
    '0 0 * * *',
    'America/Santiago',
    '2026-09-05T12:00Z',
    ['2026-09-06T04:00', '2026-09-07T03:00'],
  ],
  [
    'half an hour is skipped',
    '15 2 * * *',
    'Australia/Lord_Howe',
    '2026-10-03T12:00Z',
    ['2026-10-03T15:30', '2026-10-04T15:15'],
  ],
  [
    'half an hour is shown twice',
    '45 1 * * *',
    'Australia/Lord_Howe',
    '2026-04-04T12:00Z',
    ['2026-04-04T14:45', '2026-04-05T15:15'],
  ],
  [
    'a whole day is skipped',
    '0 12 * * *',
    'Pacific/Apia',
    '2011-12-29T12:00Z',
    ['2011-12-29T22:00', '2011-12-30T10:00', '2011-12-30T22:00'],
  ],
];

for (const [what, cron, time_zone, from, expected] of NIGHTS)
  test(`${what}: ${cron} in ${time_zone}`, (t) => {
    t.deepEqual(dueTimes({ cron, time_zone }, Date.parse(from)).take(expected.length).map(iso).toArray(), expected);
  });

const CRONS = ['*/5 * * * *', '17 */2 * * *', '0 0 29 2,3 *', '5,35 0-3 * * 0,6', '0 9 13 * 5', '59 23 31 12 *'];

for (const zone of ZONES)
  test(`the due times of weeks around each change are those of a count of all minutes, from any moment: ${zone.name}`, (t) => {
    const changes = zone.changes.length > 0 ? zone.changes.map(({ at }) => at) : ['2026-03-01T00:00Z'];
    for (const cron of CRONS)
      for (const change of changes) {
        const [from, to] = [Date.parse(change) - 7 * 24 * HOUR_MS, Date.parse(change) + 7 * 24 * HOUR_MS];
        const expected = dueMinutes(cron, zone, from, to);
        const timing = { cron, time_zone: zone.name };
        const found: number[] = [];
        for (const at of dueTimes(timing, from)) {
          if (at > to) break;
          found.push(at);
        }
        t.deepEqual(found.map(iso), expected.map(iso), `${cron} around ${change}`);
        // A start at any moment of the night goes on with the same times.
        for (let at = Date.parse(change) - 3 * HOUR_MS; at < Date.parse(change) + 3 * HOUR_MS; at += 11 * 60_000 + 1)
          t.is(iso(nextDue(timing, at)), iso(expected.find((due) => due > at) ?? nextDue(timing, to)), cron);
      }
  });

test('a cron expression that is wrong, never comes true or comes true too often is refused with the field', (t) => {
  const refused: [cron: string, why: RegExp][] = [
    ['* * * * *', /more often than every 5 minutes.*at 00:00 and 00:01/],
    ['*/7 1-5 * * 1,3', /at 01:56 and 02:00/],
    ['*/4 * * * *', /more often/],
    ['0,58 * * * *', /more often/],
    ['0-4 3 * * *', /more often/],
    ['1,59 0,23 * * *', /at 23:59 and 00:01/],
    ['0,59 0,23 1,31 * *', /more often/],
    ['0 0 30 2 *', /never comes/],
    ['0 0 31 4,6 *', /never comes/],
    ['60 * * * *', /minute: 60/],
    ['0 24 * * *', /hour/],
    ['0 0 0 * *', /not understood/],
    ['0 0 * 13 *', /not understood/],
    ['0 0 L * *', /only digits/],
    ['0 0 * * 1#2', /only digits/],
    ['0 0 ? * *', /only digits/],
    ['@daily', /only digits/],
    ['10-5 * * * *', /not understood/],
    ['*/0 * * * *', /not understood/],
  ];
  for (const [cron, why] of refused) {
    const error = t.throws(() => requireCron(cron), { instanceOf: ErrandError }, cron);
    t.is(error?.code, 'invalid');
    t.regex(error?.message ?? '', why, cron);
    t.is(error?.errors?.[0]?.field, '/cron');
  }
});

test('a cron expression that is not too often is taken, also where its ends of the day would be', (t) => {
  for (const cron of [
    '*/5 * * * *',
    '0,59 0,23 1,15 * *',
    '0,59 0,23 * * 1,3,5',
    '0 0 29 2 *',
    '0 9 * * MON-FRI',
    '0 9 * jan 7',
  ])
    t.notThrows(() => requireCron(cron), cron);
});

test('a time zone is a name: an offset, or what no system knows, is refused', (t) => {
  for (const name of ['Europe/Berlin', 'UTC', 'Asia/Kolkata', 'America/Argentina/Buenos_Aires'])
    t.true(TimeZone.safeParse(name).success, name);
  for (const name of ['+02:00', '-05', 'Europe/Nowhere', '', 'UTC+2', '../etc/passwd', 'x'.repeat(101)])
    t.false(TimeZone.safeParse(name).success, name);
});
