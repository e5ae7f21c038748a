import test from 'ava';
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { checkOneLife } from './check-worker.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { SCRIPTED_PROMPTS, SCRIPTED_WORKER } from './scripted.ts';
import { asProcess, attachedWorker, startedWorkers } from './worker-under-test.ts';

test('the workspace of a worker under test is as a new one on a server: with home and spool, and else empty', async (t) => {
  const source = await startedWorkers(asProcess(['true']));
  t.teardown(() => source.close());
  const { workspace_dir = '' } = await source.start();
  t.deepEqual((await readdir(workspace_dir)).sort(), ['home', 'spool']);
});

test('a worker that was started elsewhere and listens at a port keeps the rules about one life', async (t) => {
  const [port, mock_port] = [await freePort(), await freePort()];
  const source = await attachedWorker({ kind: 'tcp', host: '127.0.0.1', port }, { port: mock_port });
  const { PATH } = process.env;
  const env = {
    PATH,
    ERRAND_COORDINATOR: `http://127.0.0.1:${mock_port}`,
    ERRAND_LISTEN: `127.0.0.1:${port}`,
    ERRAND_WORKSPACE: await temporaryFolder(t),
  };
  const worker = spawn(process.execPath, [SCRIPTED_WORKER], { env, stdio: 'ignore' });
  t.teardown(async () => {
    worker.kill('SIGKILL');
    await source.close();
  });
  const { verdicts } = await checkOneLife({ source, prompts: SCRIPTED_PROMPTS, work_ms: 60_000 }, () => {});
  t.deepEqual(
    verdicts.filter(({ ok }) => !ok),
    [],
  );
});
