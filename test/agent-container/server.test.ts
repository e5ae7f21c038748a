import test from 'ava';
import { symlink, writeFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Assignment } from '../../protocol/worker.ts';
import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { callWorker } from '../support/worker-call.ts';
import { doing, setScene, untilStopped } from '../support/worker-scene.ts';

const code = (body: unknown) => (body as { code: string }).code;

test('it starts healthy and idle, and calls nobody', async (t) => {
  const { start, mock } = await setScene(t);
  const { address } = await start(untilStopped);
  t.deepEqual(await callWorker(address, 'GET', '/healthz'), {
    status: 200,
    type: 'application/json',
    body: { ok: true, contract_version: 1, agent: 'scripted', version: '1' },
  });
  t.like((await callWorker(address, 'GET', '/status')).body, { state: 'idle', task_id: null, last_seq: 0 });
  t.deepEqual(mock.calls, []);
});

test('without a task, messages and a cancel are refused', async (t) => {
  const { start } = await setScene(t);
  const { address } = await start(untilStopped);
  t.is((await callWorker(address, 'POST', '/messages', { messages: [] })).status, 409);
  t.is((await callWorker(address, 'POST', '/cancel', { reason: 'x' })).status, 409);
});

test('the same assignment again changes nothing, another one is refused', async (t) => {
  const { start, task } = await setScene(t);
  const worker = await start(untilStopped);
  const assignment = task.assignment();
  const both = await Promise.all([1, 2].map(() => callWorker(worker.address, 'POST', '/task', assignment)));
  t.deepEqual(
    both.map(({ status }) => status),
    [202, 202],
  );
  for (const other of [{ task_id: newId() }, { attempt: 2 }] satisfies Partial<Assignment>[]) {
    const reply = await callWorker(worker.address, 'POST', '/task', { ...assignment, ...other });
    t.is(reply.status, 409);
    t.is(code(reply.body), 'conflict');
  }
  t.like((await callWorker(worker.address, 'GET', '/status')).body, { state: 'working', task_id: task.id, attempt: 1 });
});

test('an assignment of another contract version is refused with an explanation', async (t) => {
  const { start, task } = await setScene(t);
  const { address } = await start(untilStopped);
  const reply = await callWorker(address, 'POST', '/task', { ...task.assignment(), contract_version: 2 });
  t.is(reply.status, 400);
  t.regex(JSON.stringify(reply.body), /speaks version 1 .* of version 2: rebuild the worker image/);
  t.like((await callWorker(address, 'GET', '/status')).body, { state: 'idle' });
});

test('a malformed body gets a problem document that names the field', async (t) => {
  const { start, task } = await setScene(t);
  const { address } = await start(untilStopped);
  const reply = await callWorker(address, 'POST', '/task', { ...task.assignment(), model: 7 });
  t.is(reply.type, 'application/problem+json');
  t.like(reply.body, { code: 'invalid', errors: [{ field: '/model' }] });
  for (const [path, body] of [
    ['/task', '{'],
    ['/task', []],
    ['/messages', {}],
    ['/cancel', { reason: 'x'.repeat(501) }],
  ] as const)
    t.is((await callWorker(address, 'POST', path, body)).status, 400, path);
});

test('bodies above their limit, unknown paths and wrong methods are refused', async (t) => {
  const { start } = await setScene(t);
  const { address } = await start(untilStopped);
  const large = JSON.stringify({ reason: 'x'.repeat(LIMITS.request_body_bytes_max) });
  t.is((await callWorker(address, 'POST', '/cancel', large)).status, 413);
  t.is((await callWorker(address, 'GET', '/nothing')).status, 404);
  t.is((await callWorker(address, 'GET', '/__proto__')).status, 404);
  t.is((await callWorker(address, 'GET', '/task')).status, 405);
});

test('over TCP every call except the health check needs the token, once there is one', async (t) => {
  const { start, config, task } = await setScene(t, { assignment: { heartbeat_ms: 20 } });
  const { address } = await start(untilStopped, config({ ERRAND_LISTEN: '127.0.0.1:0' }));
  t.is((await callWorker(address, 'POST', '/task', task.assignment())).status, 202);
  t.is((await callWorker(address, 'GET', '/healthz')).status, 200);
  t.is((await callWorker(address, 'GET', '/status')).status, 401);
  t.is((await callWorker(address, 'POST', '/cancel', { reason: 'x' }, { authorization: 'Bearer other' })).status, 401);
  const authorization = `Bearer ${task.token}`;
  t.is((await callWorker(address, 'GET', '/status', undefined, { authorization })).status, 200);
});

test('a link in the place of its socket is replaced, and its target left alone', async (t) => {
  const { start, folder } = await setScene(t);
  await writeFile(join(folder, 'precious'), 'kept');
  await symlink(join(folder, 'precious'), join(folder, 'worker.sock'));
  const { address } = await start(doing(() => Promise.resolve()));
  t.is((await callWorker(address, 'GET', '/healthz')).status, 200);
  t.is(await readFile(join(folder, 'precious'), 'utf8'), 'kept');
});
