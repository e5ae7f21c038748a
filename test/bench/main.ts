import { parseArgs } from 'node:util';
import { benchApp } from './app.ts';
import { benchHostile } from './hostile/hostile.ts';
import { benchIdle } from './idle.ts';
import { printTable, type Row } from './measure.ts';
import { benchPages } from './pages.ts';
import { benchQueue } from './queue.ts';
import { benchRelay } from './relay/relay.ts';
import { benchStart } from './start.ts';

/**
 * The benchmarks by name: `npm run bench -- pages idle`. By default all run. With `--long` each hostile body is sent
 * for a minute.
 */
const PARTS: Record<string, (options: { long: boolean }) => Promise<Row[]>> = {
  relay: benchRelay,
  start: benchStart,
  pages: benchPages,
  queue: benchQueue,
  idle: benchIdle,
  hostile: benchHostile,
  app: benchApp,
};

const { values: options, positionals: wanted } = parseArgs({
  options: { long: { type: 'boolean', default: false } },
  allowPositionals: true,
});
const unknown = wanted.filter((name) => !(name in PARTS));
if (unknown.length > 0) {
  console.error(`Unknown: ${unknown.join(', ')}. Available: ${Object.keys(PARTS).join(', ')}.`);
  process.exit(2);
}
const rows: Row[] = [];
for (const [name, run] of Object.entries(PARTS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  console.error(`… ${name}`);
  rows.push(...(await run(options)));
}
printTable(rows);
process.exitCode = rows.some((row) => row.met === false) ? 1 : 0;
