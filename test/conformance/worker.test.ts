import test from 'ava';
import { checkWorker } from './check-worker.ts';
import { SCRIPTED_PROMPTS, SCRIPTED_WORKER } from './scripted.ts';
import type { WorkerUnderTest } from './worker-calls.ts';
import { oneLife } from './worker-life.ts';
import { otherLives } from './worker-suite.ts';
import { asProcess, startedWorkers } from './worker-under-test.ts';

const source = await startedWorkers(asProcess([process.execPath, SCRIPTED_WORKER]));
const context: WorkerUnderTest = { source, prompts: SCRIPTED_PROMPTS, work_ms: 60_000 };
test.after.always(() => source.close());

for (const rule of [...oneLife(), ...otherLives(context.prompts)])
  test.serial(`the worker: ${rule.name}`, (t) => t.notThrowsAsync(checkWorker(rule, context)));
