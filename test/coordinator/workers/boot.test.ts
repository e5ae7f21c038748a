import { once } from 'node:events';
import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { WORKER_SOCKET } from '../../../protocol/worker.ts';
import { callWhileBooting } from '../../../coordinator/workers/boot.ts';
import { SocketChannel } from '../../../coordinator/workers/local/socket-channel.ts';
import type { Worker, WorkerEnd } from '../../../coordinator/workers/runner.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** A worker that does nothing by itself. */
async function bootingWorker(t: ExecutionContext) {
  const dir = await temporaryFolder(t);
  const socket = join(dir, WORKER_SOCKET);
  const channel = new SocketChannel('w', dir);
  const ended = Promise.withResolvers<WorkerEnd>();
  const nothing = () => Promise.resolve();
  const worker: Worker = {
    name: 'w',
    workspace: 'w',
    channel,
    local_dirs: [],
    start: nothing,
    ended: ended.promise,
    detach: nothing,
    remove: nothing,
  };
  let calls = 0;
  const boot = (within_ms: number, signal = new AbortController().signal) =>
    callWhileBooting(worker, channel, { within_ms, signal }, (left_ms) => {
      calls++;
      return channel.call({ method: 'GET', path: '/healthz', signal: AbortSignal.timeout(left_ms) });
    });
  const listen = async () => {
    const server = createServer((_, response) => response.end('ok')).listen(socket);
    t.teardown(() => server.close());
    await once(server, 'listening');
  };
  return { socket, boot, listen, exit: ended.resolve, calls: () => calls };
}

test('a worker is called as soon as it listens, and not before', async (t) => {
  const { boot, listen, calls } = await bootingWorker(t);
  const response = boot(10_000);
  t.is(calls(), 0);
  await listen();
  t.is((await response).text, 'ok');
  t.is(calls(), 1);
});

test('the socket of an earlier process is called until the worker has replaced it', async (t) => {
  const { socket, boot, listen } = await bootingWorker(t);
  // A socket file that nobody listens on: `close` would remove it.
  const stale = createServer().listen(`${socket}.old`);
  await once(stale, 'listening');
  await rename(`${socket}.old`, socket);
  stale.close();
  await once(stale, 'close');
  const response = boot(10_000);
  await rm(socket);
  await listen();
  t.is((await response).text, 'ok');
});

for (const [what, make] of [
  ['a file', (path: string) => writeFile(path, '')],
  ['a link', (path: string) => symlink('/run/other.sock', path)],
] as const)
  test(`${what} in place of the socket is refused at once`, async (t) => {
    const { socket, boot } = await bootingWorker(t);
    const response = boot(10_000);
    await make(socket);
    await t.throwsAsync(response, { message: 'worker.sock of the worker w is not a socket.' });
  });

test('a worker that exits, is late or is given up is not waited for', async (t) => {
  const exited = await bootingWorker(t);
  const response = exited.boot(10_000);
  exited.exit({ exit_code: 1, out_of_memory: false, output: 'No module named contract\n' });
  const why = 'The worker exited with code 1 before it listened. Its last output: No module named contract';
  await t.throwsAsync(response, { name: 'NotListening', message: why });
  const late = await bootingWorker(t);
  await t.throwsAsync(late.boot(1), { message: 'The worker did not listen on worker.sock within 0.001 s.' });
  const given_up = await bootingWorker(t);
  await t.throwsAsync(given_up.boot(10_000, AbortSignal.abort(new Error('given up'))), { message: 'given up' });
});
