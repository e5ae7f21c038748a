import test from 'ava';
import { readdir } from 'node:fs/promises';
import { asProcess, startedWorkers } from './worker-under-test.ts';

test('the workspace of a worker under test is as a new one on a server: with home and spool, and else empty', async (t) => {
  const source = await startedWorkers(asProcess(['true']));
  t.teardown(() => source.close());
  const { workspace_dir = '' } = await source.start();
  t.deepEqual((await readdir(workspace_dir)).sort(), ['home', 'spool']);
});
