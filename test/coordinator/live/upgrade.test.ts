import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { CLOSE, SUBPROTOCOL } from '../../../protocol/socket.ts';
import { CoordinatorProcess } from '../../support/coordinator-process.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { rawConnection, rawExchange, upgradeRequest } from '../../support/raw-connection.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { TestClient } from '../../support/test-client.ts';

const at = (url: string) => ({ port: Number(new URL(url).port), host: '127.0.0.1' });

async function startProcess(t: ExecutionContext) {
  const coordinator = CoordinatorProcess.start(t, await temporaryFolder(t), { ERRAND_RUNNER: 'process' });
  return { coordinator, url: await coordinator.url() };
}

test('an upgrade to a malformed or unknown target is refused, and the server keeps running', async (t) => {
  const { coordinator, url } = await startProcess(t);
  const targets: Record<string, number> = {
    '//x@[bad/': 404,
    '//x@[bad/ws/someone': 404,
    '/': 404,
    '/ws/': 404,
    '/ws/someone/more': 404,
    'http://[::1': 400,
    'http://x@[bad/ws/someone': 400,
    '*': 400,
  };
  for (const [target, status] of Object.entries(targets)) {
    t.regex(await rawExchange(at(url), upgradeRequest(target)), new RegExp(`^HTTP/1\\.1 ${status} `), target);
    t.is((await fetch(`${url}/healthz`)).status, 200, target);
  }
  t.is(coordinator.child.exitCode, null);
});

test('an invalid WebSocket handshake is refused with a problem document', async (t) => {
  const { url } = await startApi(t);
  const broken: Record<string, string>[] = [
    { upgrade: 'h2c' },
    { 'sec-websocket-key': 'short' },
    { 'sec-websocket-version': '7' },
    { 'sec-websocket-protocol': 'a,,b' },
  ];
  for (const headers of broken) {
    const response = await rawExchange(at(url), upgradeRequest('/ws/someone', headers));
    t.regex(response, /^HTTP\/1\.1 400 [^]*sec-websocket-version: 13\r\n[^]*"code":"invalid"/, JSON.stringify(headers));
  }
  const post = upgradeRequest('/ws/someone').replace('GET', 'POST');
  t.regex(await rawExchange(at(url), post), /^HTTP\/1\.1 400 /);
});

test('an upgrade with an incomplete head times out', async (t) => {
  const { url } = await startProcess(t);
  t.regex(await rawExchange(at(url), upgradeRequest('/ws/someone').slice(0, -2)), /^HTTP\/1\.1 408 /);
});

test('a refused client that does not close its side is disconnected', async (t) => {
  const { url, http } = await startApi(t);
  const socket = rawConnection({ ...at(url), allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  socket.write(upgradeRequest('/nowhere'));
  await once(socket.resume(), 'end');
  t.false(socket.destroyed);
  const connections = () => new Promise((resolve) => http.getConnections((_, count) => resolve(count)));
  await until('the server has closed the connection', async () => (await connections()) === 0);
});

test('a handler that throws closes the socket with 1011 and logs the cause', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  server.db.exec('DROP TABLE events');
  const socket = new TestClient(`${server.url.replace('http', 'ws')}/ws`, session.user.id, [
    SUBPROTOCOL,
    `bearer.${session.access_token}`,
  ]);
  await socket.until(() => socket.closed !== undefined);
  t.is(socket.closed?.code, CLOSE.failed);
  const line = server.lines.find((text) => text.includes('websocket handler failed'));
  t.true(line?.includes('no such table: events'));
});

test('an invalid WebSocket frame closes only its own socket', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const protocols = { 'sec-websocket-protocol': `${SUBPROTOCOL}, bearer.${session.access_token}` };
  const request = upgradeRequest(`/ws/${session.user.id}`, protocols);
  const frames = {
    'reserved bits': '\xff\xff\xff\xff',
    'no mask': '\x81\x05hello',
    'a close of one byte': '\x88\x81\0\0\0\0x',
    'a length above 2^53': '\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0',
  };
  for (const [name, frame] of Object.entries(frames))
    t.regex(await rawExchange(at(server.url), request + frame), /^HTTP\/1\.1 101 /, name);
  t.is((await fetch(`${server.url}/healthz`)).status, 200);
});
