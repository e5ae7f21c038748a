import { benchApp } from './app.ts';
import { benchIdle } from './idle.ts';
import { printTable, type Row } from './measure.ts';
import { benchPages } from './pages.ts';
import { benchQueue } from './queue.ts';
import { benchRelay } from './relay/relay.ts';
import { benchStart } from './start.ts';

/** The benchmarks by name: `npm run bench -- pages idle`. By default all run. */
const PARTS: Record<string, () => Promise<Row[]>> = {
  relay: benchRelay,
  start: benchStart,
  pages: benchPages,
  queue: benchQueue,
  idle: benchIdle,
  app: benchApp,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}. Available: ${Object.keys(PARTS).join(', ')}.`);
  process.exit(2);
}
const rows: Row[] = [];
for (const [name, run] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.error(`… ${name}`);
  rows.push(...(await run()));
}
printTable(rows);
process.exitCode = rows.some((row) => row.met === false) ? 1 : 0;
