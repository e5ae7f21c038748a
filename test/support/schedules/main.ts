import { reportOf, tableOf } from './report.ts';
import { simulateYear } from './year.ts';

/* `npm run schedules [SEED]`: a simulated year of schedules, with outages, kills and clock steps, as a table. */

const seed = Number(process.argv[2] ?? 1);
const year = await simulateYear(Date.parse('2026-01-01T00:00Z'), Date.parse('2027-01-01T00:00Z'), { seed });
const rows = reportOf(year);
console.log(tableOf(rows));
console.log(`\nseed ${seed}: ${year.outages} outages, ${year.kills} kills, ${year.steps} clock steps`);
if (rows.some(({ lost, extra, doubled }) => lost.length + extra.length + doubled > 0)) process.exitCode = 1;
