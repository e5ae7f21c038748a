import { once } from 'node:events';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { endAttempt } from '../../../coordinator/tasks/advance.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Caller } from '../../../coordinator/worker-api/caller.ts';
import { writeLlmError } from '../../../coordinator/worker-api/model/error.ts';
import { callWorkerApi } from '../../support/worker-api-call.ts';
import { refusedTunnelIsCut } from '../../support/raw-connection.ts';
import { addTask, startAttempt, taskOf } from '../../support/fixtures.ts';
import { until } from '../../support/until.ts';
import {
  foreignTokens,
  setListenerScene as start,
  rawSocket as raw,
  readHead as head,
  refusal,
} from '../../support/listener-scene.ts';

test("a worker's socket accepts only the tokens of that worker's attempt", async (t) => {
  const { folder, scene, user_id, token, path, beat } = await start(t);
  const socketPath = join(folder, 'one', 'coordinator.sock');
  const listening = await scene.internal.listenOnSocket(socketPath, 'worker-one');
  t.teardown(() => listening.close());
  t.is((await callWorkerApi({ socketPath }, { path, token, body: beat })).status, 200);
  const other = addTask(scene.log, user_id).id;
  const n = startAttempt(scene.log, other, 'worker-two');
  const foreign = { path: `/internal/tasks/${other}/heartbeat`, token: await scene.tokens.issue(other, n), body: beat };
  t.deepEqual(refusal(await callWorkerApi({ socketPath }, foreign)), [401, 'unauthenticated']);
  t.is(taskOf(scene.log, other).status, 'starting');
});

test('a socket replaces the one of an earlier process; any user may connect, but nobody may list its directory', async (t) => {
  const { folder, scene, token, path, beat } = await start(t);
  const socketPath = join(folder, 'one', 'coordinator.sock');
  mkdirSync(dirname(socketPath));
  writeFileSync(socketPath, 'stale');
  const first = await scene.internal.listenOnSocket(socketPath, 'worker-one');
  t.is(statSync(socketPath).mode & 0o777, 0o666);
  t.is(statSync(dirname(socketPath)).mode & 0o777, 0o711);
  await first.close();
  t.false(existsSync(socketPath));
  const second = await scene.internal.listenOnSocket(socketPath, 'worker-one');
  t.is((await callWorkerApi({ socketPath }, { path, token, body: beat })).status, 200);
  await second.close();
});

test('accepts the token as bearer, as the password of Basic, and as x-api-key', async (t) => {
  const { where, path, token, beat } = await start(t);
  const basic = Buffer.from(`x-access-token:${token}`).toString('base64');
  for (const headers of [
    { authorization: `Bearer ${token}` },
    { authorization: `Basic ${basic}` },
    { 'x-api-key': token },
  ])
    t.is((await callWorkerApi(where, { path, headers, body: beat })).status, 200);
});

test('refuses a token that is missing, malformed, of another server, of another task, or of no attempt', async (t) => {
  const { scene, user_id, where, id, path, token, beat } = await start(t);
  const other = addTask(scene.log, user_id).id;
  const foreign = foreignTokens();
  const bad = [undefined, 'x', `${token}x`, await foreign.issue(id, 1), await scene.tokens.issue(other, 1)];
  for (const token of bad) {
    const answer = await callWorkerApi(where, { path, body: beat, ...(token !== undefined && { token }) });
    t.deepEqual(refusal(answer), [401, 'unauthenticated']);
    t.is(answer.headers['content-type'], 'application/problem+json');
  }
  const never = await callWorkerApi(where, {
    path,
    token: await scene.tokens.issue(id, 7),
    body: { ...beat, attempt: 7 },
  });
  t.deepEqual(refusal(never), [401, 'unauthenticated']);
});

test('answers unknown paths, wrong methods and bodies that are not JSON with problem documents', async (t) => {
  const { where, id, path, token } = await start(t);
  const at = (path: string, more = {}) => callWorkerApi(where, { path, token, ...more });
  for (const path of [
    '/',
    '/internal/tasks',
    `/internal/tasks/${id}`,
    `/internal/tasks/${id}/eventsx`,
    `/internal/tasks/${id}/events/1`,
  ])
    t.deepEqual(refusal(await at(path, { body: {} })), [404, 'not_found']);
  t.deepEqual(refusal(await at(path)), [405, 'method_not_allowed']);
  for (const body of ['', '{', '[]', 'null', Buffer.from([0x22, 0xff, 0x22])])
    t.deepEqual(refusal(await at(path, { method: 'POST', body })), [400, 'invalid']);
  const zipped = { body: '{}', headers: { 'content-encoding': 'gzip' } };
  t.deepEqual(refusal(await at(path, zipped)), [415, 'unsupported_media_type']);
});

test('a body that is too large is refused while it arrives, with or without a content-length', async (t) => {
  const { where, path, token } = await start(t);
  const body = Buffer.alloc(LIMITS.callback_body_bytes_max + 1, 'x');
  t.deepEqual(refusal(await callWorkerApi(where, { path, token, body })), [413, 'too_large']);
  const socket = await raw(where);
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\ntransfer-encoding: chunked\r\n\r\n`,
  );
  for (let i = 0; i < 5; i++) socket.write(`100000\r\n${'x'.repeat(1024 * 1024)}\r\n`);
  t.regex(await head(socket), /^HTTP\/1\.1 413 /);
  // A body that never ends is cut off.
  const flood = setInterval(() => socket.write(`100000\r\n${'x'.repeat(1024 * 1024)}\r\n`), 1);
  socket.on('error', () => {});
  t.teardown(() => clearInterval(flood));
  await until('the flood is cut', () => socket.destroyed);
  t.pass();
});

test('a client that sends its request head too slowly is disconnected', async (t) => {
  const { where } = await start(t);
  const socket = await raw(where);
  socket.write('POST /internal HTTP/1.1\r\nhost: localhost\r\n');
  const drip = setInterval(() => socket.write('a: b\r\n'), 1_000);
  t.teardown(() => clearInterval(drip));
  socket.on('error', () => {});
  t.regex(await head(socket), /^HTTP\/1\.1 408 /);
  socket.destroy();
});

test('gives the assignment to the active attempt only', async (t) => {
  const asked: unknown[] = [];
  const { scene, where, id, attempt, token } = await start(t, {
    assignment: async (...of) => {
      asked.push(of);
      return Buffer.from('{"contract_version":1}');
    },
  });
  const path = `/internal/tasks/${id}/assignment`;
  t.like(await callWorkerApi(where, { path, token }), { status: 200, body: { contract_version: 1 } });
  t.is(taskOf(scene.log, id).status, 'starting');
  scene.log.db.exec(`UPDATE attempts SET status = 'failed'`);
  t.deepEqual(refusal(await callWorkerApi(where, { path, token })), [409, 'stale_attempt']);
  t.deepEqual(asked, [[id, attempt]]);
});

test('one assignment of a task is in memory at a time, until its worker has read it or hung up', async (t) => {
  let built = 0;
  const { where, id, token } = await start(t, {
    assignment: async () => {
      built++;
      return Buffer.from(JSON.stringify({ contract_version: 1, prompt: 'x'.repeat(8 * 1024 * 1024) }));
    },
  });
  const path = `/internal/tasks/${id}/assignment`;
  const slow = await raw(where);
  slow.pause();
  slow.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${token}\r\n\r\n`);
  await until('it is built', () => built === 1);
  const refused = await Promise.all(Array.from({ length: 20 }, () => callWorkerApi(where, { path, token })));
  for (const answer of refused) t.deepEqual(refusal(answer), [429, 'rate_limited']);
  t.is(built, 1);
  slow.destroy();
  await until('the next one is sent', async () => (await callWorkerApi(where, { path, token })).status === 200);
  t.is(built, 2);
  // A call that fails takes no slot with it.
  t.is((await callWorkerApi(where, { path, token })).status, 200);
});

test('forwards the exact path for the active attempt, and aborts when the attempt ends', async (t) => {
  const calls: [Caller, string][] = [];
  const { scene, user_id, where, id, token } = await start(t, {
    git: {
      forward: async (_, response, caller, path) => {
        calls.push([caller, path]);
        if (path !== '/slow') return void response.end('{}');
        response.write('{"begun":');
        await once(caller.signal, 'abort');
        throw new Error('cut off');
      },
    },
  });
  const at = (path: string) => callWorkerApi(where, { path: `/internal/tasks/${id}/git${path}`, token });
  for (const path of ['', '/info/refs?service=git-upload-pack', '/a%2Fb/../c']) await at(path);
  t.deepEqual(
    calls.map(([, path]) => path),
    ['', '/info/refs?service=git-upload-pack', '/a%2Fb/../c'],
  );
  t.like(calls[0]?.[0], { task_id: id, user_id, attempt: 1 });
  const slow = at('/slow');
  await until('it is being forwarded', () => calls.length === 4);
  scene.log.write((tx) => {
    const end = { status: 'failed', reason: 'worker_lost', detail: null, at: new Date().toISOString() } as const;
    endAttempt(tx, taskOf(scene.log, id), 1, end);
  });
  await t.throwsAsync(slow);
  t.true(calls[3]?.[0].signal.aborted);
  t.deepEqual(refusal(await at('/x')), [409, 'stale_attempt']);
  t.is(calls.length, 4);
});

test('errors are in the format of the proxy that was called, whoever refused', async (t) => {
  const { where, id, token } = await start(t, {
    llm: {
      forward: () => Promise.reject(new Error('secret cause')),
      writeError: (response, error, request_id) => {
        response.statusCode = 418;
        response.end(JSON.stringify({ own: error instanceof Error && error.message, id: request_id.length }));
      },
    },
  });
  const path = `/internal/tasks/${id}/llm/v1/messages`;
  t.like(await callWorkerApi(where, { path, token, method: 'POST' }), {
    status: 418,
    body: { own: 'secret cause', id: 20 },
  });
  t.like(await callWorkerApi(where, { path, method: 'POST' }), {
    status: 418,
    body: { own: 'There is no task token.' },
  });
  const git = await callWorkerApi(where, { path: `/internal/tasks/${id}/git/x`, token });
  t.deepEqual(refusal(git), [503, 'unavailable']);
  t.is(git.headers['errand-error'], 'unavailable');
});

test('a model request with an expired token may be retried: a heartbeat brings the next token', async (t) => {
  let now = Date.now();
  const { where, id, token, path, beat } = await start(t, {
    now: () => now,
    llm: { forward: async (_, response) => void response.end('{}'), writeError: writeLlmError },
  });
  const ask = (bearer: string) =>
    callWorkerApi(where, { path: `/internal/tasks/${id}/llm/v1/messages`, token: bearer, method: 'POST' });
  now += LIMITS.task_token_s * 1000;
  const refused = await ask(token);
  t.deepEqual([refused.status, refused.headers['x-should-retry']], [401, 'true']);
  const renewed = await callWorkerApi(where, { path, token, body: beat });
  t.is((await ask((renewed.body as { token: string }).token)).status, 200);
});

test('an internal error does not show its cause', async (t) => {
  const { where, id, token } = await start(t, { git: { forward: () => Promise.reject(new Error('secret cause')) } });
  const answer = await callWorkerApi(where, { path: `/internal/tasks/${id}/git/x`, token });
  t.deepEqual(refusal(answer), [500, 'internal']);
  t.notRegex(JSON.stringify(answer), /secret/);
});

test('opens a tunnel only for the active attempt, with Proxy-Authorization', async (t) => {
  const { scene, where, id, token } = await start(t, {
    egress: {
      open: async (request, socket, _, caller) => {
        socket.end(`HTTP/1.1 200 OK\r\n\r\n${request.url} for ${caller.task_id}`);
      },
    },
  });
  const open = async (header: string) => {
    const socket = await raw(where);
    socket.write(`CONNECT example.test:443 HTTP/1.1\r\nhost: example.test:443\r\n${header}\r\n`);
    return head(socket, true);
  };
  t.regex(
    await open(`proxy-authorization: Bearer ${token}\r\n`),
    new RegExp(`200 OK\r\n\r\nexample.test:443 for ${id}$`),
  );
  const basic = Buffer.from(`x:${token}`).toString('base64');
  t.regex(await open(`proxy-authorization: Basic ${basic}\r\n`), /200 OK/);
  for (const header of ['', `authorization: Bearer ${token}\r\n`, 'proxy-authorization: Bearer x\r\n'])
    t.regex(await open(header), /^HTTP\/1\.1 407 [^]*proxy-authenticate/i);
  scene.log.db.exec(`UPDATE attempts SET status = 'failed'`);
  t.regex(await open(`proxy-authorization: Bearer ${token}\r\n`), /^HTTP\/1\.1 409 [^]*stale_attempt/);
});

test('a refused tunnel is closed even if the client does not close its side', async (t) => {
  const { folder, scene } = await start(t);
  const socketPath = join(folder, 'one', 'coordinator.sock');
  const listening = await scene.internal.listenOnSocket(socketPath, 'worker-one');
  t.teardown(() => listening.close());
  await refusedTunnelIsCut(t, { path: socketPath });
});

test('limits the callbacks that a task may have in progress, and does not delay another task', async (t) => {
  const { scene, user_id, where, path, token, beat } = await start(t);
  const held = await Promise.all(
    Array.from({ length: LIMITS.callbacks_at_once_max }, async () => {
      const socket = await raw(where);
      socket.write(`POST ${path} HTTP/1.0\r\nauthorization: Bearer ${token}\r\ncontent-length: 99\r\n\r\n{`);
      return socket;
    }),
  );
  const refused = await until('one too many', async () => {
    const answer = await callWorkerApi(where, { path, token, body: beat });
    return answer.status === 200 ? undefined : answer;
  });
  t.deepEqual([...refusal(refused), refused.headers['retry-after']], [429, 'rate_limited', '1']);
  const other = addTask(scene.log, user_id).id;
  const n = startAttempt(scene.log, other);
  const of_other = {
    path: `/internal/tasks/${other}/heartbeat`,
    token: await scene.tokens.issue(other, n),
    body: beat,
  };
  t.is((await callWorkerApi(where, of_other)).status, 200);
  held[0]?.destroy();
  await until('a slot is free', async () => (await callWorkerApi(where, { path, token, body: beat })).status === 200);
  for (const socket of held) socket.destroy();
});
