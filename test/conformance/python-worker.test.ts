import test from 'ava';
import { fileURLToPath } from 'node:url';
import { checkWorker } from './check-worker.ts';
import type { WorkerUnderTest } from './worker-calls.ts';
import { oneLife } from './worker-life.ts';
import { otherLives } from './worker-suite.ts';
import { asProcess, startedWorkers } from './worker-under-test.ts';

/* The worker in Python shares no code with Errand: it was written from the page of the contract. */

const WORKER = fileURLToPath(new URL('../support/python-worker/worker.py', import.meta.url));
const source = await startedWorkers(asProcess(['python3', WORKER]));
const prompts = { short: 'Say hello.', long: 'Say hello.', noisy: null, asks: null };
const context: WorkerUnderTest = { source, prompts, work_ms: 60_000 };
test.after.always(() => source.close());

for (const rule of [...oneLife(), ...otherLives(prompts)])
  test.serial(`the worker in Python: ${rule.name}`, (t) => t.notThrowsAsync(checkWorker(rule, context)));
