import test from 'ava';
import { reportOf, tableOf } from '../../support/schedules/report.ts';
import { ZONES } from '../../support/schedules/wall-minutes.ts';
import { simulateYear, type Year } from '../../support/schedules/year.ts';

/* Some days on both sides of the equator. `npm run schedules` simulates a whole year, in all zones. */

const AROUND_MS = 4 * 24 * 3600_000;

test('around the clock changes each due time has one run, through outages, kills and clock steps', async (t) => {
  const years: Year[] = [];
  for (const zone of ZONES.filter(({ name }) => name === 'Europe/Berlin' || name === 'America/Santiago'))
    for (const { at } of zone.changes) {
      const [from, to] = [Date.parse(at) - AROUND_MS, Date.parse(at) + AROUND_MS];
      years.push(await simulateYear(from, to, { seed: years.length + 1, zones: [zone], trouble: 8 }));
    }
  const rows = years.flatMap(reportOf);
  t.log(tableOf(rows));
  for (const { zone, cron, due, runs, lost, extra, doubled } of rows)
    t.deepEqual({ runs, lost, extra, doubled }, { runs: due, lost: [], extra: [], doubled: 0 }, `${cron} in ${zone}`);
  for (const { outages, kills, steps } of years) t.true(outages > 0 && kills > 0 && steps > 0);
  t.true(rows.some(({ errands }) => errands > 0));
  for (const reason of ['missed', 'still_at_work']) t.true(rows.some(({ reasons }) => (reasons[reason] ?? 0) > 0));
});
