import test from 'ava';
import { reportOf, tableOf } from '../../support/schedules/report.ts';
import { simulateYear } from '../../support/schedules/year.ts';

/** The weeks in which the clocks of the simulated zones change. `npm run schedules` has the whole year. */
const SPANS: [from: string, to: string][] = [
  ['2026-03-05', '2026-04-08'],
  ['2026-08-31', '2026-09-09'],
  ['2026-10-01', '2026-11-04'],
];

for (const [index, [from, to]] of SPANS.entries())
  test(`each due time has one run, through outages, kills and clock steps: ${from} to ${to}`, async (t) => {
    t.timeout(120_000);
    const span = await simulateYear(Date.parse(from), Date.parse(to), index + 7);
    const rows = reportOf(span);
    t.log(tableOf(rows));
    for (const { zone, cron, due, runs, lost, extra, doubled } of rows)
      t.deepEqual({ runs, lost, extra, doubled }, { runs: due, lost: [], extra: [], doubled: 0 }, `${cron} in ${zone}`);
    t.true(span.kills > 0 && rows.some(({ errands }) => errands > 0));
    t.true(rows.some(({ reasons }) => (reasons['still_at_work'] ?? 0) > 0));
  });
