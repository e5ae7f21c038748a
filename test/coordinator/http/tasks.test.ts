import test from 'ava';
import { createTask } from '../../../coordinator/tasks/task-commands.ts';
import { listPendingMessages, markMessageTakenIn } from '../../../coordinator/sqlite/messages.ts';
import { putDiff } from '../../../coordinator/sqlite/diffs.ts';
import { findBudget } from '../../../coordinator/sqlite/usage.ts';
import { BUDGET_USD_MAX } from '../../../protocol/task.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { startApi } from '../../support/start-api.ts';
import { endTask, runTask, taskOf } from '../../support/fixtures.ts';
import { sendErrand, repo_url } from '../../support/send-errand.ts';

test('defaults of a task come from its project, then from the server', async (t) => {
  const settings = { ERRAND_MODEL: 'claude-x', ERRAND_MAX_TURNS: '70', ERRAND_EFFORT: 'low' };
  const { api } = await (await startApi(t, settings)).person();
  const plain = await sendErrand(api, { prompt: '  First line.\nSecond line.  ' });
  t.like(plain, {
    repo_url,
    base_branch: null,
    model: 'claude-x',
    effort: 'low',
    budget_usd: 5,
    max_turns: 70,
    priority: 0,
  });
  t.like(plain, { title: 'First line.', prompt: 'First line.\nSecond line.', queue_place: 1, attempt: 0 });
  const { id: project_id } = await api.call('createProject', {
    body: {
      name: 'P',
      repo_url,
      base_branch: 'next',
      model: 'claude-y',
      effort: 'high',
      budget_usd: 2,
      max_turns: null,
    },
  });
  const ofProject = await api.call('createTask', { body: { prompt: 'x', project_id } });
  t.like(ofProject, { project_id, repo_url, base_branch: 'next', model: 'claude-y', effort: 'high', budget_usd: 2 });
  const own = {
    base_branch: 'main',
    model: 'claude-z',
    effort: 'max',
    budget_usd: 1,
    max_turns: 3,
    priority: 9,
  } as const;
  t.like(await api.call('createTask', { body: { prompt: 'x', project_id, ...own } }), own);
});

test('a task shows whether a plan comes first, which no project says for it', async (t) => {
  const { api } = await (await startApi(t)).person();
  t.false((await sendErrand(api)).plan_first);
  t.true((await sendErrand(api, { plan_first: true })).plan_first);
});

test('a task is queued and the dispatcher woken, once both are on disk', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const task = await sendErrand(api);
  t.deepEqual(server.told, [`task.created ${task.id}`]);
  t.deepEqual(task.waiting_for, { kind: 'queue', since: task.created_at, place: 1 });
  t.deepEqual(
    server.rows.map(({ type }) => type),
    ['task.created'],
  );
});

test('a model that is not in the price table is refused', async (t) => {
  const server = await startApi(t, { ERRAND_MODEL: 'priced' }, (name) => name === 'priced');
  const { api } = await server.person();
  const problem = await api.refused('createTask', { body: { prompt: 'x', repo_url, model: 'free' } });
  t.is(problem.code, 'forbidden');
  t.is(problem.errors?.[0]?.field, '/model');
  t.is((await sendErrand(api)).model, 'priced');
});

test('each queued task knows its place, which moves up', async (t) => {
  const { api } = await (await startApi(t)).person();
  const [first, second] = [await sendErrand(api), await sendErrand(api)];
  const urgent = await sendErrand(api, { priority: 5 });
  const places = async () =>
    Object.fromEntries((await api.call('listTasks', {})).items.map(({ id, queue_place }) => [id, queue_place]));
  t.deepEqual(await places(), { [urgent.id]: 1, [first.id]: 2, [second.id]: 3 });
  await api.call('cancelTask', { params: first });
  t.deepEqual(await places(), { [urgent.id]: 1, [first.id]: null, [second.id]: 2 });
  t.is((await api.call('getTask', { params: second })).queue_place, 2);
});

test('while no worker can be started, a queued task says why, and no other does', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const [queued, running] = [await sendErrand(api), await sendErrand(api)];
  runTask(server.log, running.id);
  server.runner.fault = 'Docker does not answer.';
  const waiting_for = { kind: 'queue', since: queued.created_at, place: 1, reason: 'Docker does not answer.' } as const;
  t.deepEqual((await api.call('getTask', { params: queued })).waiting_for, waiting_for);
  const { items } = await api.call('listTasks', {});
  t.deepEqual(
    items.map((item) => item.waiting_for),
    [null, waiting_for],
  );
  t.like(await sendErrand(api), { waiting_for: { reason: 'Docker does not answer.' } });
  server.runner.fault = null;
  const { waiting_for: later } = await api.call('getTask', { params: queued });
  t.deepEqual(later, { kind: 'queue', since: queued.created_at, place: 1 });
});

test('a cancel ends a queued task at once, and tells the worker of one at work', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const [queued, running] = [await sendErrand(api), await sendErrand(api)];
  runTask(server.log, running.id);
  server.told.length = 0;
  t.like(await api.call('cancelTask', { params: queued }), { status: 'cancelled', queue_place: null });
  t.deepEqual(server.told.splice(0), [`task.status ${queued.id}`]);
  t.is((await api.call('cancelTask', { params: running })).status, 'running');
  t.deepEqual(server.told, [`task.cancel_requested ${running.id}`]);
  t.not(taskOf(server.log, running.id).cancel_reason, null);
  t.is((await api.call('cancelTask', { params: running })).status, 'running', 'it may be repeated');
  t.is((await api.refused('createMessage', { params: running, body: { text: 'x' } })).code, 'conflict');
  endTask(server.log, running.id, 'failed');
  t.is((await api.call('getTask', { params: running })).status, 'cancelled');
  const { rows, told } = server;
  const before = [rows.length, told.length];
  for (const cancelled of [queued, running])
    t.is(
      (await api.call('cancelTask', { params: cancelled })).status,
      'cancelled',
      'so too where the first answer was lost',
    );
  t.deepEqual([rows.length, told.length], before);
  const done = await sendErrand(api);
  runTask(server.log, done.id);
  endTask(server.log, done.id, 'succeeded');
  t.is((await api.refused('cancelTask', { params: done })).code, 'conflict');
});

test('a message reaches the worker of a task at work, and resumes one that has ended', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { id } = await sendErrand(api);
  const params = { id };
  await api.call('createMessage', { params, body: { text: 'early' } });
  runTask(server.log, id);
  server.told.length = 0;
  t.false((await api.call('createMessage', { params, body: { text: 'live' } })).resumed);
  t.deepEqual(server.told, [`message.received ${id}`]);
  for (const message of listPendingMessages(server.db, id))
    markMessageTakenIn(server.db, id, message.id, new Date().toISOString());
  endTask(server.log, id);
  const { message_id, resumed } = await api.call('createMessage', { params, body: { text: 'more' } });
  t.true(resumed);
  t.deepEqual(server.told.slice(-2), [`message.received ${id}`, `task.status ${id}`]);
  t.like(await api.call('getTask', { params }), { status: 'queued', ended_at: null, queue_place: 1 });
  const { items } = await api.call('listEvents', { params });
  const said = items.filter(({ type }) => type === 'message.received').map(({ body }) => body['text']);
  t.deepEqual(said, ['early', 'live', 'more']);
  t.like(items.at(-2), { type: 'message.received', body: { message_id } });
  t.like(items.at(-1), { type: 'task.status', body: { from: 'succeeded', to: 'queued' } });
});

test('only failed and cancelled tasks can be retried', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { id } = await sendErrand(api);
  t.is((await api.refused('retryTask', { params: { id } })).code, 'conflict');
  runTask(server.log, id);
  endTask(server.log, id, 'failed');
  t.like(await api.call('getTask', { params: { id } }), { status: 'failed', reason: 'turn_limit' });
  t.like(await api.call('retryTask', { params: { id } }), { status: 'queued', reason: null });
  runTask(server.log, id);
  endTask(server.log, id);
  t.is((await api.refused('retryTask', { params: { id } })).code, 'conflict');
  const { attempts } = await api.call('getTask', { params: { id } });
  t.deepEqual(
    attempts.map(({ n, status }) => [n, status]),
    [
      [1, 'failed'],
      [2, 'succeeded'],
    ],
  );
});

test('a retry and a message may give a task a new budget, which must be more than it has spent', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { id } = await sendErrand(api);
  const params = { id };
  const budget = async () => (await api.call('getTask', { params })).budget_usd;
  runTask(server.log, id);
  server.db.prepare('UPDATE tasks SET cost_usd = 2 WHERE id = ?').run(id);
  await api.call('createMessage', { params, body: { text: 'x', budget_usd: 7 } });
  t.is(await budget(), 7, 'of one at work');
  t.is(findBudget(server.db, id)?.budget_usd, 7, 'which its next request goes by');
  t.is((await api.refused('retryTask', { params, body: { budget_usd: 8 } })).code, 'conflict');
  t.is(await budget(), 7, 'what is refused changes nothing');
  for (const message of listPendingMessages(server.db, id))
    markMessageTakenIn(server.db, id, message.id, new Date().toISOString());
  endTask(server.log, id, 'failed');
  for (const budget_usd of [2, 1.5, 0, -1, BUDGET_USD_MAX + 1, '5', null])
    for (const [name, body] of [
      ['retryTask', { budget_usd }],
      ['createMessage', { text: 'more', budget_usd }],
    ] as const) {
      const { code, errors } = await api.refused(name, { params, body });
      t.deepEqual([code, errors?.map(({ field }) => field)], ['invalid', ['/budget_usd']], `${name} ${budget_usd}`);
    }
  t.like(await api.call('getTask', { params }), { status: 'failed', budget_usd: 7 });
  t.deepEqual(listPendingMessages(server.db, id), []);
  t.like(await api.call('retryTask', { params, body: { budget_usd: 2.5 } }), { status: 'queued', budget_usd: 2.5 });
  t.is(await budget(), 2.5);
});

test('the body of a retry is optional, and is checked if it is sent', async (t) => {
  const { api } = await (await startApi(t)).person();
  const { id } = await sendErrand(api);
  const params = { id };
  for (const request of [{}, { body: {} }, { headers: { 'idempotency-key': 'k' } }, { body: { budget_usd: 9 } }]) {
    await api.call('cancelTask', { params });
    t.is((await api.call('retryTask', { params, ...request })).status, 'queued');
  }
  await api.call('cancelTask', { params });
  const headers = { 'idempotency-key': 'k' };
  t.is((await api.refused('retryTask', { params, headers, body: { budget_usd: 9 } })).code, 'idempotency_conflict');
  t.is((await api.refused('retryTask', { params, body: { budget: 9 } })).code, 'invalid');
  const text = { params, headers: { 'content-type': 'text/plain' }, body: {} };
  t.is((await api.refused('retryTask', text)).code, 'unsupported_media_type');
});

test('queued tasks and pending messages of a user are limited', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { api: other } = await server.person();
  const first = await sendErrand(api);
  server.log.write((tx) => {
    const config = { model: 'm', effort: 'medium', budget_usd: 1, member_budget_usd_max: 1, max_turns: 1 } as const;
    for (let n = 1; n < LIMITS.queued_tasks_per_user_max; n++)
      createTask(tx, { config }, session.user.id, { prompt: 'x', repo_url });
  });
  const problem = await api.refused('createTask', { body: { prompt: 'x', repo_url } });
  t.is(problem.code, 'unavailable');
  t.truthy(problem.headers.get('retry-after'));
  await sendErrand(other);
  for (let n = 0; n < LIMITS.pending_messages_max; n++)
    await api.call('createMessage', { params: first, body: { text: 'x' } });
  t.is((await api.refused('createMessage', { params: first, body: { text: 'x' } })).code, 'conflict');
  await api.call('cancelTask', { params: first });
  const last = await sendErrand(api);
  t.is((await api.refused('retryTask', { params: first })).code, 'unavailable');
  server.db.prepare(`UPDATE tasks SET retry_at = '2099-01-01T00:00:00.000Z' WHERE id = ?`).run(last.id);
  t.is((await api.call('retryTask', { params: { id: last.id } })).retry_at, null, 'it is in the queue already');
});

test("a task's diff is that of its newest result", async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { id } = await sendErrand(api);
  t.deepEqual(await api.call('getDiff', { params: { id } }), {
    diff: '',
    truncated: false,
    branch: null,
    base_commit: null,
    commit: null,
  });
  putDiff(server.db, id, { diff: 'old', truncated: false });
  putDiff(server.db, id, { diff: 'diff --git a/x b/x\n+é\n', truncated: true });
  t.like(await api.call('getDiff', { params: { id } }), { diff: 'diff --git a/x b/x\n+é\n', truncated: true });
});

test('readyz says why the server cannot do its work', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  t.true((await api.call('readyz', {})).ready);
  server.readiness.ready = false;
  server.readiness.checks = {
    runner: { ok: false, detail: 'Docker does not answer.' },
    disk: { ok: true, detail: '' },
  };
  const problem = await api.refused('readyz', {});
  t.is(problem.status, 503);
  t.deepEqual(problem.errors, [{ field: '/checks/runner', message: 'Docker does not answer.' }]);
});
