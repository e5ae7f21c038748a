import test from 'ava';
import { writeOnce, hashRequest } from '../../../coordinator/http/idempotency.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { openDatabase } from '../../../coordinator/sqlite/open-database.ts';
import type { Db } from '../../../coordinator/sqlite/database.ts';
import { insertStoredResponse, pruneLargeResponses } from '../../../coordinator/sqlite/idempotency.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { startApi } from '../../support/start-api.ts';
import { SILENT } from '../../support/silent.ts';

const repo_url = 'https://forge.example/a/b';
const keyed = (key: string) => ({ headers: { 'idempotency-key': key } });

test('of two requests with one key, at once or in turn, one acts and both get its answer', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const request = { body: { prompt: 'x', repo_url }, ...keyed('k1') };
  const [one, other] = await Promise.all([api.call('createTask', request), api.call('createTask', request)]);
  t.deepEqual(one, other);
  await api.call('cancelTask', { params: one });
  t.deepEqual(await api.call('createTask', request), one, 'the first answer, though the task has gone on');
  t.is((await api.call('listTasks', {})).items.length, 1);
  t.deepEqual(
    server.told.filter((told) => told.startsWith('task.created')),
    [`task.created ${one.id}`],
  );
});

test('a key that comes with another request is refused', async (t) => {
  const { api } = await (await startApi(t)).person();
  const body = { prompt: 'x', repo_url };
  const task = await api.call('createTask', { body, ...keyed('k1') });
  t.is(
    (await api.refused('createTask', { body: { ...body, prompt: 'y' }, ...keyed('k1') })).code,
    'idempotency_conflict',
  );
  const message = { params: { id: task.id }, body: { text: 'x' } };
  t.is((await api.refused('createMessage', { ...message, ...keyed('k1') })).code, 'idempotency_conflict');
  const reordered = { repo_url, prompt: 'x' };
  t.is(
    (await api.call('createTask', { body: reordered, ...keyed('k1') })).id,
    task.id,
    'the order of fields is no difference',
  );
});

test('every route marked idempotent acts once', async (t) => {
  const { api } = await (await startApi(t)).person();
  const project = { body: { name: 'P', repo_url }, ...keyed('project') };
  t.deepEqual(await api.call('createProject', project), await api.call('createProject', project));
  t.is((await api.call('listProjects', {})).items.length, 1);
  const { id } = await api.call('createTask', { body: { prompt: 'x', repo_url } });
  const message = { params: { id }, body: { text: 'x' }, ...keyed('message') };
  t.deepEqual(await api.call('createMessage', message), await api.call('createMessage', message));
  await api.call('cancelTask', { params: { id } });
  const retry = { params: { id }, ...keyed('retry') };
  t.deepEqual(await api.call('retryTask', retry), await api.call('retryTask', retry));
  // A cancel that comes late, after somebody ran the task again, does not end it a second time.
  const cancel = { params: { id }, ...keyed('cancel') };
  const cancelled = await api.call('cancelTask', cancel);
  await api.call('retryTask', { params: { id } });
  t.deepEqual(await api.call('cancelTask', cancel), cancelled);
  t.is((await api.call('getTask', { params: { id } })).status, 'queued');
  const { items } = await api.call('listEvents', { params: { id } });
  t.deepEqual(
    items.map(({ type }) => type),
    ['task.created', 'message.received', ...Array.from({ length: 4 }, () => 'task.status')],
  );
});

test('a stored answer survives a restart of the server', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const body = { prompt: 'x', repo_url };
  const task = await api.call('createTask', { body, ...keyed('k1') });
  const again = openDatabase(server.db.name);
  t.teardown(() => again.close());
  const request_hash = hashRequest('POST', '/task', body);
  const request = { user_id: session.user.id, key: 'k1', request_hash, status: 201 };
  const answer = writeOnce(new EventLog({ db: again, logger: SILENT }), request, () => t.fail('It acted again.'));
  t.deepEqual(JSON.parse(answer.text), task);
});

test("past the limit, a user's oldest keys are deleted, and nobody else's", async (t) => {
  const server = await startApi(t);
  const [a, b] = [await server.person(), await server.person()];
  const request = (key: string) => ({ body: { prompt: key, repo_url }, ...keyed(key) });
  const others = await b.api.call('createTask', request('first'));
  const [first, second] = [
    await a.api.call('createTask', request('first')),
    await a.api.call('createTask', request('second')),
  ];
  const at = (n: number) => new Date(Date.now() - 60_000 + n).toISOString();
  const age = server.db.prepare('UPDATE idempotency_keys SET created_at = ? WHERE user_id = ? AND key = ?');
  for (const [n, key] of ['first', 'second'].entries()) age.run(at(n), a.session.user.id, key);
  server.log.write((tx) => {
    for (let n = 2; n < LIMITS.idempotency_keys_per_user_max; n++) {
      const row = { user_id: a.session.user.id, key: `k${n}`, request_hash: '', status: 201, response: '{}' };
      insertStoredResponse(tx.db, { ...row, created_at: at(n) });
    }
  });
  await a.api.call('createTask', request('newest'));
  t.deepEqual(await a.api.call('createTask', request('second')), second);
  t.not((await a.api.call('createTask', request('first'))).id, first.id);
  t.deepEqual(await b.api.call('createTask', request('first')), others);
});

test("a key of one user is independent of another's", async (t) => {
  const server = await startApi(t);
  const [a, b] = [await server.person(), await server.person()];
  const request = { body: { prompt: 'x', repo_url }, ...keyed('k1') };
  t.not((await a.api.call('createTask', request)).id, (await b.api.call('createTask', request)).id);
});

test('a refused request may be repeated with the same key', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { id } = await api.call('createTask', { body: { prompt: 'x', repo_url } });
  t.is((await api.refused('retryTask', { params: { id }, ...keyed('k1') })).code, 'conflict');
  await api.call('cancelTask', { params: { id } });
  t.is((await api.call('retryTask', { params: { id }, ...keyed('k1') })).status, 'queued');
});

test('a key is limited in length, and expires', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const body = { prompt: 'x', repo_url };
  for (const key of ['x'.repeat(LIMITS.idempotency_key_chars_max + 1), 'a b', ''])
    t.is((await api.refused('createTask', { body, ...keyed(key) })).code, 'invalid', key);
  const longest = keyed('x'.repeat(LIMITS.idempotency_key_chars_max));
  const { id } = await api.call('createTask', { body, ...longest });
  const old = new Date(Date.now() - LIMITS.idempotency_key_s * 1000 - 1000).toISOString();
  server.db.prepare('UPDATE idempotency_keys SET created_at = ?').run(old);
  t.not((await api.call('createTask', { body, ...longest })).id, id);
  t.is(server.db.prepare('SELECT count(*) FROM idempotency_keys').pluck().get(), 1);
});

test('the answers that one person keeps are limited in bytes, and only their oldest go', async (t) => {
  const { log, person } = await startApi(t);
  const [ann, bob] = [await person(), await person()];
  const store = (db: Db, { session }: typeof ann, n: number) =>
    insertStoredResponse(db, {
      user_id: session.user.id,
      key: `k${n}`,
      request_hash: 'x',
      status: 200,
      response: 'x'.repeat(100_000),
      created_at: new Date(1_700_000_000_000 + n).toISOString(),
    });
  const left = log.write(({ db }) => {
    for (let n = 0; n < 5; n++) for (const who of n < 2 ? [ann, bob] : [ann]) store(db, who, n);
    pruneLargeResponses(db, 250_000);
    return db.prepare('SELECT user_id, key FROM idempotency_keys ORDER BY key').raw().all();
  });
  const [of_ann, of_bob] = [ann.session.user.id, bob.session.user.id];
  t.deepEqual(left, [
    [of_bob, 'k0'],
    [of_bob, 'k1'],
    [of_ann, 'k3'],
    [of_ann, 'k4'],
  ]);
});
