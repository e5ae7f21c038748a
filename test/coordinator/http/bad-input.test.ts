import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import test from 'ava';
import Koa from 'koa';
import { requestListener } from '../../../coordinator/http/app.ts';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { Api, readProblem, type UncheckedRequest } from '../../support/api.ts';
import { startApi, type StartedApi } from '../../support/start-api.ts';
import { heapUsed } from '../../support/heap-used.ts';
import { until } from '../../support/until.ts';

/** Sends bytes as they are, and gives all that came back by the time the server closed. */
async function exchange(server: StartedApi, send: (socket: Socket) => void): Promise<string> {
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
  let received = '';
  socket.on('data', (chunk: Buffer) => (received += chunk.toString()));
  // A reset is one way in which the server closes.
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  send(socket);
  await closed;
  return received;
}

test('a field that is wrong is named', async (t) => {
  const { api } = await (await startApi(t)).person();
  const repo_url = 'https://forge.example/a/b';
  const cases: [unknown, string][] = [
    [{ prompt: 'x', repo_url, colour: 'red' }, '/colour'],
    [{ prompt: 7, repo_url }, '/prompt'],
    [{ prompt: '  ', repo_url }, '/prompt'],
    [{ prompt: 'x'.repeat(LIMITS.text_chars_max + 1), repo_url }, '/prompt'],
    [{ prompt: 'x' }, '/repo_url'],
    [{ prompt: 'x', repo_url, project_id: newId() }, '/repo_url'],
    [{ prompt: 'x', repo_url, budget_usd: -1 }, '/budget_usd'],
    [{ prompt: 'x', repo_url, budget_usd: 1e9 }, '/budget_usd'],
    [{ prompt: 'x', repo_url, max_turns: 1.5 }, '/max_turns'],
    [{ prompt: 'x', repo_url, priority: 11 }, '/priority'],
    [{ prompt: 'x', repo_url, base_branch: '--upload-pack=x' }, '/base_branch'],
    [{ prompt: 'x', repo_url, model: '../x' }, '/model'],
    [{ prompt: 'x', project_id: "' OR 1=1 --" }, '/project_id'],
    [[], '/'],
    [null, '/'],
    ['text', '/'],
  ];
  for (const url of [
    'file:///etc/passwd',
    'ext::sh -c id',
    '--upload-pack=id',
    'git@alias:a/b',
    'git://forge.example/a/b',
    '',
    `https://forge.example/${'x'.repeat(LIMITS.repo_address_chars_max)}`,
    'https://user:secret@forge.example/a',
    'https://forge.example',
    'https://forge.example/-x/b',
    'https://forge.example/%2e%2e/b',
    'errand://other',
    'not an address',
  ])
    cases.push([{ prompt: 'x', repo_url: url }, '/repo_url']);
  for (const [body, field] of cases) {
    const problem = await api.refused('createTask', { body });
    t.is(problem.code, 'invalid', JSON.stringify(body));
    t.true(
      problem.errors?.some((error) => error.field === field),
      `${JSON.stringify(body)}: ${problem.detail}`,
    );
  }
});

test('a query that is wrong is refused', async (t) => {
  const { api } = await (await startApi(t)).person();
  for (const query of [{ limit: 0 }, { limit: 201 }, { limit: 'x' }, { cursor: 'x' }, { status: 'lost' }, { page: 2 }])
    t.is((await api.refused('listTasks', { query })).code, 'invalid', JSON.stringify(query));
  const twice = await fetch(`${api.url}/tasks?limit=1&limit=2`, { headers: { authorization: `Bearer ${api.token}` } });
  t.is((await readProblem(twice)).code, 'invalid');
});

test('a token that is missing, malformed or foreign is refused before the body is looked at', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const api = new Api(server.url);
  for (const authorization of ['', 'Bearer', 'Bearer x', 'Basic eDp5', `Bearer ${session.refresh_token}`, 'Bearer a b'])
    t.is(
      (await api.refused('createTask', { body: { nonsense: true }, headers: { authorization } })).code,
      'unauthenticated',
      authorization,
    );
});

test('a body that is not JSON is refused by what is wrong with it', async (t) => {
  const { url } = await startApi(t);
  const post = async (body: string | Uint8Array | undefined, headers: Record<string, string>) =>
    (
      await readProblem(
        await fetch(`${url}/auth/login`, { method: 'POST', headers, ...(body !== undefined && { body }) }),
      )
    ).code;
  const json = { 'content-type': 'application/json' };
  t.is(await post('{', json), 'invalid');
  t.is(await post(new Uint8Array([0x7b, 0xff, 0x7d]), json), 'invalid');
  t.is(await post('['.repeat(100_000), json), 'too_large');
  t.is(await post(undefined, json), 'invalid');
  t.is(await post('{}', { 'content-type': 'text/plain' }), 'unsupported_media_type');
  t.is(await post('a=b', { 'content-type': 'application/x-www-form-urlencoded' }), 'unsupported_media_type');
  t.is(await post('{}', { 'content-type': 'application/json; charset=utf-16' }), 'unsupported_media_type');
  t.is(await post('{}', { ...json, 'content-encoding': 'gzip' }), 'unsupported_media_type');
  t.is(await post('{"__proto__": {"email": "x"}}', json), 'invalid');
});

test('a body with too large a Content-Length is refused before it is sent, and the connection closed', async (t) => {
  const server = await startApi(t);
  const received = await exchange(server, (socket) => {
    socket.write(
      'POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n',
    );
    socket.once('data', () => socket.end());
  });
  t.regex(received, /^HTTP\/1\.1 413 /);
  t.regex(received, /Connection: close/i);
  t.regex(received, /"code":"too_large"/);
});

test('a body that turns out too large is answered, and then no longer read', async (t) => {
  const server = await startApi(t);
  const piece = Buffer.alloc(64 * 1024, 0x20);
  let sent = 0;
  const received = await exchange(server, (socket) => {
    socket.write(
      'POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n',
    );
    const flood = (): void => {
      while (!socket.destroyed && socket.write(`${piece.length.toString(16)}\r\n${piece.toString()}\r\n`))
        sent += piece.length;
    };
    socket.on('drain', flood);
    flood();
  });
  t.regex(received, /^HTTP\/1\.1 413 /);
  t.regex(received, /"code":"too_large"/);
  t.true(sent < 32 * 1024 * 1024, `${sent} bytes were taken`);
});

test('an unread body does not hold the connection for long after a refusal', async (t) => {
  const server = await startApi(t);
  const received = await exchange(server, (socket) => {
    socket.write('POST /nowhere HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nsome');
  });
  t.regex(received, /^HTTP\/1\.1 404 /);
});

test('a refusal whose body came with it leaves the connection usable', async (t) => {
  const server = await startApi(t);
  const received = await exchange(server, (socket) => {
    socket.write(
      'POST /task HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
    );
    socket.once('data', () => socket.end('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'));
  });
  t.regex(received, /^HTTP\/1\.1 401 [^]*HTTP\/1\.1 200 [^]*\{"ok":true\}$/);
});

test('a body at the limit is read', async (t) => {
  const { url } = await startApi(t);
  const body = JSON.stringify({ email: 'a@example.org', password: 'x' }).padEnd(LIMITS.request_body_bytes_max);
  const headers = { 'content-type': 'application/json' };
  t.is(
    (await readProblem(await fetch(`${url}/auth/login`, { method: 'POST', headers, body }))).code,
    'wrong_credentials',
  );
  const more = await fetch(`${url}/auth/login`, { method: 'POST', headers, body: `${body} ` });
  t.is((await readProblem(more)).code, 'too_large');
});

test('a malformed id, an unknown one and one of another user get the same answer', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { api: stranger } = await server.person();
  const body = { prompt: 'x', repo_url: 'https://forge.example/a/b' };
  const task = await stranger.call('createTask', { body });
  const project = await stranger.call('createProject', { body: { name: 'x', repo_url: body.repo_url } });
  for (const id of ['x', '%', '../tasks', '%00', newId(), task.id, project.id]) {
    const params = { id };
    const calls: [Parameters<Api['refused']>[0], UncheckedRequest][] = [
      ['getTask', { params }],
      ['listEvents', { params }],
      ['getDiff', { params }],
      ['createMessage', { params, body: { text: 'x' } }],
      ['cancelTask', { params }],
      ['retryTask', { params }],
      ['deleteTask', { params }],
      ['getProject', { params }],
      ['patchProject', { params, body: { name: 'mine' } }],
      ['deleteProject', { params }],
    ];
    for (const [name, request] of calls) t.is((await api.refused(name, request)).code, 'not_found', `${name} ${id}`);
  }
  t.is((await api.refused('createTask', { body: { prompt: 'x', project_id: project.id } })).code, 'not_found');
  t.deepEqual((await api.call('listTasks', {})).items, []);
  t.deepEqual((await api.call('listTasks', { query: { project_id: project.id } })).items, []);
  t.deepEqual((await api.call('listProjects', {})).items, []);
  t.is((await stranger.call('getTask', { params: { id: task.id } })).status, 'queued');
});

test('an unknown path, a wrong method, HEAD and OPTIONS are answered as they should be', async (t) => {
  const { url } = await startApi(t);
  for (const path of ['/', '/nowhere', '/tasks/a/b/c', '/%zz', '//', '/auth/login/x'])
    t.is((await readProblem(await fetch(url + path))).code, 'not_found', path);
  const wrong = await fetch(`${url}/healthz`, { method: 'DELETE' });
  t.is(wrong.headers.get('allow'), 'HEAD, GET, OPTIONS');
  t.is((await readProblem(wrong)).code, 'method_not_allowed');
  const tasks = await fetch(`${url}/projects/${newId()}`, { method: 'OPTIONS' });
  t.is(tasks.status, 204);
  t.is(tasks.headers.get('allow'), 'HEAD, GET, PATCH, DELETE, OPTIONS');
  const head = await fetch(`${url}/healthz`, { method: 'HEAD' });
  t.is(head.status, 200);
  t.is(head.headers.get('content-length'), '11');
  t.is(await head.text(), '');
});

test('a request target that the URL parser cannot read is invalid', async (t) => {
  const server = await startApi(t);
  for (const target of ['http://[bad/', '//x@[bad/#'])
    t.regex(
      await exchange(server, (socket) => socket.end(`GET ${target} HTTP/1.1\r\nHost: localhost\r\n\r\n`)),
      /^HTTP\/1\.1 400 [^]*"code":"invalid"/,
      target,
    );
});

test('an error outside the middleware closes its connection and is logged', async (t) => {
  const app = new Koa();
  const lines: string[] = [];
  app.use(() => Promise.reject(new Error('first')));
  app.on('error', () => {
    throw new Error('second');
  });
  const logger = createLogger('error', { write: (line) => lines.push(line) });
  const http = createServer(requestListener(app, logger)).listen(0, '127.0.0.1');
  t.teardown(() => http.close());
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  await t.throwsAsync(fetch(`http://127.0.0.1:${port}/`));
  t.regex(lines.join(''), /"second"[^]*request failed outside the middleware/);
});

test('every response forbids caching and MIME sniffing', async (t) => {
  const { url } = await startApi(t);
  for (const path of ['/healthz', '/nowhere', '/me']) {
    const { headers } = await fetch(url + path);
    t.is(headers.get('x-content-type-options'), 'nosniff');
    t.is(headers.get('cache-control'), 'no-store');
    t.truthy(headers.get('x-request-id'));
  }
});

test('an internal error is logged with its cause, and not shown', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  server.db.exec('DROP TABLE diffs');
  const task = await api.call('createTask', { body: { prompt: 'x', repo_url: 'https://forge.example/a/b' } });
  const problem = await api.refused('getDiff', { params: { id: task.id } });
  t.is(problem.code, 'internal');
  t.notRegex(JSON.stringify(problem), /diffs|sqlite/i);
  const line = server.lines.find((text) => text.includes('no such table: diffs'));
  t.true(line?.includes(problem.request_id ?? '-'));
});

test.serial('after a flood of bad requests, connections and memory are as before', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const bad = async (n: number): Promise<void> => {
    const body = [{ prompt: n }, { x: 'y'.repeat(10_000) }, 'z'][n % 3];
    await (await api.send('createTask', { body })).text();
    await (await fetch(`${server.url}/nowhere/${n}`)).text();
    await exchange(server, (socket) => socket.end('POST /auth/login HTTP/1.1\r\nContent-Length: 9\r\n\r\n{'));
  };
  for (let n = 0; n < 20; n++) await bad(n);
  const connections = () => new Promise((resolve) => server.http.getConnections((_, count) => resolve(count)));
  const before = process.getActiveResourcesInfo().length;
  const heap = heapUsed();
  for (let n = 0; n < 300; n++) await bad(n);
  await until('its connections are closed', async () => Number(await connections()) <= 5);
  await until('nothing else is open', () => process.getActiveResourcesInfo().length <= before + 5);
  t.true(heapUsed() < heap + 40 * 1024 * 1024);
});
