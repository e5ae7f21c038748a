import test, { type ExecutionContext } from 'ava';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { join } from 'node:path';
import { request, ProxyAgent } from 'undici';
import { CoordinatorClient } from '../../../agent-container/reporting/coordinator-client.ts';
import { LoopbackProxy } from '../../../agent-container/proxy/loopback-proxy.ts';
import type { WorkerProxy } from '../../../coordinator/worker-api/caller.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { writeGitError } from '../../../coordinator/worker-api/git/write-error.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { MockCoordinator, type MockOptions } from '../../support/mock-coordinator/mock.ts';
import { refusedTunnelIsCut } from '../../support/raw-connection.ts';
import { until } from '../../support/until.ts';

const REPO = 'https://git.example.org/you/shop.git';

async function scene(t: ExecutionContext, options: MockOptions = {}) {
  const socket_path = join(await temporaryFolder(t), 'coordinator.sock');
  const mock = new MockCoordinator({ socket_path, ...options });
  await mock.start();
  const task = mock.addTask();
  const client = new CoordinatorClient({ origin: 'http://coordinator', socket_path }, task.id, task.token);
  const proxy = new LoopbackProxy(client);
  await proxy.start();
  t.teardown(async () => {
    await proxy.stop();
    await client.close();
    await mock.stop();
  });
  return { mock, task, client, proxy };
}

/** A TCP server that echoes. */
async function echo(t: ExecutionContext) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { port: (server.address() as AddressInfo).port, sockets };
}

/** Opens a tunnel by hand; gives the socket and the status line that it got. */
async function openTunnel(url: string, authority: string) {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(`CONNECT ${authority} HTTP/1.1\r\nhost: ${authority}\r\n\r\n`);
  let got = '';
  socket.on('data', (chunk: Buffer) => (got += chunk.toString('latin1')));
  await until('the answer came', () => got.includes('\r\n\r\n'));
  return { socket, status: got.split('\r\n')[0], got: () => got };
}

test('git requests are forwarded with the token, without hop-by-hop headers', async (t) => {
  const seen: { path: string; headers: Record<string, unknown>; body: string }[] = [];
  const git: WorkerProxy = {
    forward: async (incoming, response, _caller, path) => {
      let body = '';
      for await (const chunk of incoming as AsyncIterable<Buffer>) body += chunk.toString();
      seen.push({ path, headers: incoming.headers, body });
      response.writeHead(200, { 'content-type': 'application/x-git', connection: 'close' }).end('the answer');
    },
  };
  const { proxy, task } = await scene(t, { git });
  const answer = await request(`${proxy.remoteOf(null, REPO).url}/git-upload-pack?a=b`, {
    method: 'POST',
    headers: { 'content-encoding': 'gzip', 'git-protocol': 'version=2', authorization: 'Basic eDp5', te: 'trailers' },
    body: 'the request',
  });
  t.is(await answer.body.text(), 'the answer');
  t.is(answer.headers['content-type'], 'application/x-git');
  t.like(seen, [
    {
      path: '/git-upload-pack?a=b',
      body: 'the request',
      headers: { authorization: `Bearer ${task.token}`, 'content-encoding': 'gzip', 'git-protocol': 'version=2' },
    },
  ]);
  t.is(seen[0]?.headers.te, undefined);
});

test('what git asks for at the address of a repository goes there; a longer address is one elsewhere', async (t) => {
  const seen: string[] = [];
  const git: WorkerProxy = {
    forward: (_incoming, response, _caller, path) => {
      seen.push(path);
      return Promise.resolve(void response.writeHead(200).end());
    },
  };
  const { proxy } = await scene(t, { git });
  proxy.remoteOf(null, REPO);
  const refs = 'info/refs?service=git-upload-pack';
  for (const path of [`/${refs}`, `.git/${refs}`, '/git-upload-pack', '.git/info/lfs/objects/batch'])
    t.is((await request(`${proxy.url}/at/=${path}`)).statusCode, 200, path);
  t.deepEqual(seen, [`/${refs}`, `/${refs}`, '/git-upload-pack', '/info/lfs/objects/batch']);
  const { statusCode, headers } = await request(`${proxy.url}/at/=-extra.git/${refs}`);
  t.is(statusCode, 307);
  t.is(headers.location, `https://git.example.org/you/shop-extra.git/${refs}`);
  for (const path of [`/at/web=/${refs}`, '/at/=/other', `/at/${refs}`])
    t.is((await request(proxy.url + path)).statusCode, 404, path);
});

test('the error code of a git request can be taken once, for its repository alone', async (t) => {
  const git: WorkerProxy = {
    forward: () => Promise.reject(new ErrandError('forbidden', 'Not that.')),
    writeError: writeGitError,
  };
  const { proxy } = await scene(t, { git });
  const [first, other] = [proxy.remoteOf(null, REPO), proxy.remoteOf('web', 'https://git.example.org/you/web.git')];
  t.is(first.takeGitFailure(), null);
  for (const path of ['/info/refs?service=git-upload-pack', '/git-receive-pack']) {
    t.is((await request(`${other.url}${path}`)).statusCode, 403);
    t.is(first.takeGitFailure(), null);
    t.deepEqual(other.takeGitFailure(), { status: 403, code: 'forbidden', is_disconnected: false });
  }
  t.is((await request(`${first.url}/info/refs`)).statusCode, 403);
  t.deepEqual(first.takeGitFailure(), { status: 403, code: 'forbidden', is_disconnected: false });
  t.is(first.takeGitFailure(), null);
  t.is(other.takeGitFailure(), null);
});

test('git gets 502 while the coordinator is down', async (t) => {
  const { proxy, mock } = await scene(t);
  await mock.stop();
  const remote = proxy.remoteOf(null, REPO);
  t.is((await request(`${remote.url}/info/refs`)).statusCode, 502);
  t.deepEqual(remote.takeGitFailure(), { status: 502, code: 'upstream_unreachable', is_disconnected: true });
});

test('a response that comes before the whole body was sent reaches the client', async (t) => {
  const git: WorkerProxy = {
    forward: (_incoming, response) =>
      Promise.resolve(void response.writeHead(413, { 'errand-error': 'too_large' }).end('too large')),
  };
  const { proxy } = await scene(t, { git });
  async function* endless() {
    for (;;) {
      await new Promise(setImmediate);
      yield Buffer.alloc(64 * 1024);
    }
  }
  const remote = proxy.remoteOf(null, REPO);
  const answer = await request(`${remote.url}/git-receive-pack`, {
    method: 'POST',
    body: Readable.from(endless()),
  }).catch((error: unknown) => error);
  // The client sees the response, or that its own sending was cut off. The proxy knows the code either way.
  t.truthy(answer);
  await until('it is known', () => remote.takeGitFailure()?.code === 'too_large');
});

test('other paths are not found, and plain http:// through the proxy is refused with an explanation', async (t) => {
  const { proxy, mock } = await scene(t);
  t.is((await request(`${proxy.url}/llm/v1/messages`)).statusCode, 404);
  t.is((await request(`${proxy.url}/gitx`)).statusCode, 404);
  const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
  socket.end('GET http://example.test/x HTTP/1.1\r\nhost: example.test\r\nconnection: close\r\n\r\n');
  let got = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) got += chunk.toString();
  t.regex(got, /^HTTP\/1\.1 403 [\s\S]*only https:\/\/, through CONNECT/);
  t.deepEqual(mock.calls, []);
});

test('a tunnel forwards data in both directions, including data sent with its request', async (t) => {
  const far = await echo(t);
  const { proxy, mock } = await scene(t, { connect: () => ({ host: '127.0.0.1', port: far.port }) });
  const { socket, status, got } = await openTunnel(proxy.url, 'registry.test:443');
  t.is(status, 'HTTP/1.1 200 Connection established');
  t.like(mock.calls[0], { name: 'connect', path: 'registry.test:443', status: 200 });
  const before = got().length;
  const large = 'x'.repeat(4_000_000);
  socket.write(large);
  await until('all came back', () => got().length === before + large.length);
  socket.end();
  await once(socket, 'close');
  await until('the far side is closed', () => far.sockets.size === 0);
});

test('the client gets the response of the coordinator for a host that is not allowed', async (t) => {
  const { proxy } = await scene(t, { connect: () => null });
  const { status, socket } = await openTunnel(proxy.url, 'evil.test:443');
  t.is(status, 'HTTP/1.1 403 Forbidden');
  socket.destroy();
});

test('a tunnel that the coordinator cuts is closed for the client', async (t) => {
  const far = await echo(t);
  const { proxy, mock } = await scene(t, { connect: () => ({ host: '127.0.0.1', port: far.port }) });
  const { socket } = await openTunnel(proxy.url, 'registry.test:443');
  const closed = once(socket, 'close');
  await mock.stop();
  await closed;
  t.pass();
});

test('a tunnel is closed when the client hangs up', async (t) => {
  const far = await echo(t);
  const { proxy } = await scene(t, { connect: () => ({ host: '127.0.0.1', port: far.port }) });
  for (let i = 0; i < 20; i++) (await openTunnel(proxy.url, 'registry.test:443')).socket.destroy();
  await until('the far side is closed', () => far.sockets.size === 0);
  t.pass();
});

test('a tunnel gets 502 while the coordinator is down, and the next one works again', async (t) => {
  const far = await echo(t);
  const { proxy, mock } = await scene(t, { connect: () => ({ host: '127.0.0.1', port: far.port }) });
  await mock.stop();
  const refused = await openTunnel(proxy.url, 'registry.test:443');
  t.is(refused.status, 'HTTP/1.1 502 Bad Gateway');
  await mock.start();
  const { status, socket } = await openTunnel(proxy.url, 'registry.test:443');
  t.is(status, 'HTTP/1.1 200 Connection established');
  socket.destroy();
});

test('it works as the proxy of a client library', async (t) => {
  const { proxy } = await scene(t, { connect: () => null });
  const agent = new ProxyAgent(proxy.url);
  t.teardown(() => agent.destroy());
  await t.throwsAsync(request('https://registry.test/', { dispatcher: agent }), { message: /403/ });
});

test('the fetch for the model goes over the socket, and streams', async (t) => {
  const llm: WorkerProxy = {
    forward: async (incoming, response, _caller, path) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'x-path': path });
      response.write('first');
      await once(response, 'drain').catch(() => {});
      incoming.resume();
    },
  };
  const { client, task } = await scene(t, { llm });
  const { base_url, token, fetch } = client.model();
  t.is(token(), task.token);
  const stop = new AbortController();
  const headers = new Headers({ authorization: `Bearer ${token()}`, 'content-type': 'application/json' });
  const answer = await fetch(`${base_url}/v1/messages`, { method: 'POST', headers, body: '{}', signal: stop.signal });
  t.is(answer.status, 200);
  t.is(answer.headers.get('x-path'), '/v1/messages');
  const reader = answer.body?.getReader();
  t.is(Buffer.from((await reader?.read())?.value ?? []).toString(), 'first');
  stop.abort();
  await t.throwsAsync(Promise.resolve(reader?.read()));
});

test('a refused tunnel is cut if the client does not close its side', async (t) => {
  const { mock, proxy } = await scene(t);
  await mock.stop();
  await refusedTunnelIsCut(t, { port: Number(new URL(proxy.url).port), host: '127.0.0.1' });
});
