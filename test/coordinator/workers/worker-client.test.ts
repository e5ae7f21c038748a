import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { SocketChannel } from '../../../coordinator/workers/local/socket-channel.ts';
import { WorkerDirectories } from '../../../coordinator/workers/local/worker-directories.ts';
import { WorkerUnreachable } from '../../../coordinator/workers/runner.ts';
import { postCancel, readHealth } from '../../../coordinator/workers/worker-client.ts';
import { newWorkerName } from '../../../coordinator/workers/worker-name.ts';
import { temporaryFolder } from '../../support/folder.ts';

/** A worker's directories, and a channel through them. */
async function makeLink(t: ExecutionContext) {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const name = newWorkerName();
  const directories = new WorkerDirectories(await temporaryFolder(t), owner).make(name);
  return { ...directories, channel: new SocketChannel(name, directories.worker_dir) };
}

async function serve(t: ExecutionContext, path: string, listener: RequestListener): Promise<void> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
}

const openHandles = () => readdirSync('/proc/self/fd').length;

test('a worker is called through the socket in its directory', async (t) => {
  const link = await makeLink(t);
  const bodies: string[] = [];
  await serve(t, join(link.worker_dir, 'worker.sock'), (request, response) => {
    request.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
    response.writeHead(request.url === '/healthz' ? 200 : 202);
    response.end(JSON.stringify({ ok: true, contract_version: 1, agent: 'a', version: '1', more: 'passed over' }));
  });
  t.like(await readHealth(link.channel), { ok: true, contract_version: 1 });
  t.is((await postCancel(link.channel, 'x'.repeat(1_000))).status, 202);
  t.deepEqual(JSON.parse(bodies.join('')), { reason: 'x'.repeat(500) });
});

// Serial, because it counts the file handles of this process.
test.serial('a call connects only to a socket that the worker itself made', async (t) => {
  const link = await makeLink(t);
  let called = false;
  const elsewhere = join(link.coordinator_dir, 'other.sock');
  await serve(t, elsewhere, (_request, response) => {
    called = true;
    response.end('{}');
  });
  const before = openHandles();
  symlinkSync(elsewhere, join(link.worker_dir, 'worker.sock'));
  await t.throwsAsync(readHealth(link.channel), { message: /is not a socket/ });
  t.false(called);
  for (const [name, make] of [
    ['file', (path: string) => writeFileSync(path, '')],
    ['folder', (path: string) => mkdirSync(path)],
  ] as const) {
    const other = await makeLink(t);
    make(join(other.worker_dir, 'worker.sock'));
    await t.throwsAsync(readHealth(other.channel), { message: /is not a socket/ }, name);
  }
  t.is(openHandles(), before);
});

test('the error of a worker that does not listen differs from that of one that does not respond', async (t) => {
  const link = await makeLink(t);
  const nobody = await t.throwsAsync(readHealth(link.channel), { instanceOf: WorkerUnreachable });
  t.true(nobody.unreached);
  await serve(t, join(link.worker_dir, 'worker.sock'), (request) => request.socket.destroy());
  const cut = await t.throwsAsync(readHealth(link.channel), { instanceOf: WorkerUnreachable });
  t.false(cut.unreached);
});

test('a call to a worker that does not respond, or not completely, times out', async (t) => {
  const [silent, endless] = [await makeLink(t), await makeLink(t)];
  await serve(t, join(silent.worker_dir, 'worker.sock'), () => {});
  await serve(t, join(endless.worker_dir, 'worker.sock'), (_request, response) => void response.write(' '));
  await Promise.all([t.throwsAsync(readHealth(silent.channel)), t.throwsAsync(readHealth(endless.channel))]);
});

test('an endless response is cut off', async (t) => {
  const link = await makeLink(t);
  let sent = 0;
  await serve(t, join(link.worker_dir, 'worker.sock'), (_request, response) => {
    const piece = Buffer.alloc(16 * 1024, ' ');
    const pump = () => {
      while (!response.destroyed && response.write(piece)) sent += piece.length;
    };
    response.on('drain', pump);
    pump();
  });
  const error = await t.throwsAsync(readHealth(link.channel), { instanceOf: WorkerUnreachable });
  t.regex(String(error.cause), /longer than 65536 bytes/);
  t.true(sent < 4 * 1024 * 1024);
});

test('a malformed response is refused', async (t) => {
  const link = await makeLink(t);
  await serve(t, join(link.worker_dir, 'worker.sock'), (_request, response) => response.end('{"ok":"yes"}'));
  await t.throwsAsync(readHealth(link.channel));
});
