import test from 'ava';
import { fileURLToPath } from 'node:url';
import { asProcess, startedWorkers } from './worker-under-test.ts';
import type { WorkerUnderTest } from './worker-calls.ts';
import { oneLife } from './worker-life.ts';
import { OTHER_LIVES } from './worker-suite.ts';
import type { Step } from '../support/scripted-worker.ts';

const ENTRY = fileURLToPath(new URL('../support/scripted-worker.ts', import.meta.url));
const script = (...steps: Step[]) => JSON.stringify(steps);

const source = await startedWorkers(asProcess([process.execPath, ENTRY]));
const context: WorkerUnderTest = {
  source,
  prompts: {
    short: script({ hear: true }, { emit: 300 }, { write: 'a.txt', text: 'a\n' }, { run: 'sleep 1' }),
    long: script({ emit: 5 }, { write: 'half.txt', text: 'half\n' }, { wait: true }),
  },
  work_ms: 60_000,
};
test.after.always(() => source.close());

for (const { name, check } of oneLife()) test.serial(`the worker: ${name}`, (t) => t.notThrowsAsync(check(context)));
for (const { name, check } of OTHER_LIVES) test.serial(`the worker: ${name}`, (t) => t.notThrowsAsync(check(context)));
