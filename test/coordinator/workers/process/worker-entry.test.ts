import { existsSync } from 'node:fs';
import test from 'ava';
import { sourcePath } from '../../../../coordinator/base/source-path.ts';
import { workerEntry } from '../../../../coordinator/workers/process/worker-entry.ts';

test('a worker that is a process runs the bundled agent', async (t) => {
  const entry = await workerEntry();
  t.is(entry, sourcePath('agent-container/bundle/main.cjs'));
  t.true(existsSync(entry));
});
