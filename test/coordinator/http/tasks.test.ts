import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import type { z } from 'zod';
import { createTask } from '../../../coordinator/tasks/task-commands.ts';
import { advance, endAttempt } from '../../../coordinator/tasks/advance.ts';
import { insertAttempt } from '../../../coordinator/sqlite/attempts.ts';
import { READ_TASK_EVENTS } from '../../../coordinator/sqlite/events.ts';
import { listPendingMessages, markMessageTakenIn } from '../../../coordinator/sqlite/messages.ts';
import { LIST_PROJECTS } from '../../../coordinator/sqlite/projects.ts';
import { LIST_SESSIONS } from '../../../coordinator/sqlite/refresh-tokens.ts';
import { putDiff } from '../../../coordinator/sqlite/diffs.ts';
import { LIST_TASKS, findTask } from '../../../coordinator/sqlite/tasks.ts';
import { findBudget } from '../../../coordinator/sqlite/usage.ts';
import type { TaskRow } from '../../../coordinator/domain/task.ts';
import type { EventPage } from '../../../protocol/api.ts';
import { BUDGET_USD_MAX, type Task } from '../../../protocol/task.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Api } from '../../support/api.ts';
import { startApi, type StartedApi } from '../../support/start-api.ts';

type Page = z.output<typeof EventPage>;

const repo_url = 'https://forge.example/a/b';
/** Sends an errand, and waits for the next millisecond, so that errands are ordered as they were sent. */
async function errand(api: Api, body: { prompt?: string; project_id?: string; priority?: number } = {}): Promise<Task> {
  const task = await api.call('createTask', {
    body: { prompt: 'Mend it.', ...(body.project_id === undefined && { repo_url }), ...body },
  });
  while (Date.now() <= Date.parse(task.created_at)) await setImmediate();
  return task;
}

function row(server: StartedApi, id: string): TaskRow {
  const task = findTask(server.db, id);
  if (!task) throw new Error('The task is gone.');
  return task;
}

/** Brings a queued task to `running`, as the dispatcher and its worker would. */
function begin(server: StartedApi, id: string): void {
  server.log.write((tx) => {
    const at = new Date().toISOString();
    const starting = advance(tx, row(server, id), { type: 'attempt_started', at });
    insertAttempt(tx.db, {
      task_id: id,
      n: starting.attempt,
      status: 'starting',
      reason: null,
      detail: null,
      runner: 'process',
      worker: `errand-${id}`,
      warm: false,
      last_seq: 0,
      started_at: at,
      ended_at: null,
    });
    advance(tx, starting, { type: 'worker_called', at });
  });
}

function end(server: StartedApi, id: string, status: 'succeeded' | 'failed' = 'succeeded'): void {
  server.log.write((tx) => {
    const task = row(server, id);
    const reason = status === 'failed' ? 'turn_limit' : null;
    endAttempt(tx, task, task.attempt, { status, reason, detail: null, at: new Date().toISOString() });
  });
}

test('what a task does not say comes from its project, then from the server', async (t) => {
  const { api } = await (await startApi(t, { ERRAND_MODEL: 'claude-x', ERRAND_MAX_TURNS: '70' })).person();
  const plain = await errand(api, { prompt: '  First line.\nSecond line.  ' });
  t.like(plain, { repo_url, base_branch: null, model: 'claude-x', budget_usd: 5, max_turns: 70, priority: 0 });
  t.like(plain, { title: 'First line.', prompt: 'First line.\nSecond line.', queue_place: 1, attempt: 0 });
  const { id: project_id } = await api.call('createProject', {
    body: { name: 'P', repo_url, base_branch: 'next', model: 'claude-y', budget_usd: 2, max_turns: null },
  });
  const ofProject = await api.call('createTask', { body: { prompt: 'x', project_id } });
  t.like(ofProject, { project_id, repo_url, base_branch: 'next', model: 'claude-y', budget_usd: 2, max_turns: 70 });
  const own = { base_branch: 'main', model: 'claude-z', budget_usd: 1, max_turns: 3, priority: 9 };
  t.like(await api.call('createTask', { body: { prompt: 'x', project_id, ...own } }), own);
});

test('a task is queued and the dispatcher woken, once both are on disk', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const task = await errand(api);
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
  t.is((await errand(api)).model, 'priced');
});

test('each queued task knows its place, which moves up', async (t) => {
  const { api } = await (await startApi(t)).person();
  const [first, second] = [await errand(api), await errand(api)];
  const urgent = await errand(api, { priority: 5 });
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
  const [queued, running] = [await errand(api), await errand(api)];
  begin(server, running.id);
  server.runner.fault = 'Docker does not answer.';
  const waiting_for = { kind: 'queue', since: queued.created_at, place: 1, reason: 'Docker does not answer.' } as const;
  t.deepEqual((await api.call('getTask', { params: queued })).waiting_for, waiting_for);
  const { items } = await api.call('listTasks', {});
  t.deepEqual(
    items.map((item) => item.waiting_for),
    [null, waiting_for],
  );
  t.like(await errand(api), { waiting_for: { reason: 'Docker does not answer.' } });
  server.runner.fault = null;
  const { waiting_for: later } = await api.call('getTask', { params: queued });
  t.deepEqual(later, { kind: 'queue', since: queued.created_at, place: 1 });
});

test('a cancel ends a queued task at once, and tells the worker of one at work', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const [queued, running] = [await errand(api), await errand(api)];
  begin(server, running.id);
  server.told.length = 0;
  t.like(await api.call('cancelTask', { params: queued }), { status: 'cancelled', queue_place: null });
  t.deepEqual(server.told.splice(0), [`task.status ${queued.id}`]);
  t.is((await api.call('cancelTask', { params: running })).status, 'running');
  t.deepEqual(server.told, [`task.cancel_requested ${running.id}`]);
  t.not(row(server, running.id).cancel_reason, null);
  t.is((await api.call('cancelTask', { params: running })).status, 'running', 'it may be repeated');
  t.is((await api.refused('createMessage', { params: running, body: { text: 'x' } })).code, 'conflict');
  end(server, running.id, 'failed');
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
  const done = await errand(api);
  begin(server, done.id);
  end(server, done.id, 'succeeded');
  t.is((await api.refused('cancelTask', { params: done })).code, 'conflict');
});

test('a message reaches the worker of a task at work, and resumes one that has ended', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { id } = await errand(api);
  const params = { id };
  await api.call('createMessage', { params, body: { text: 'early' } });
  begin(server, id);
  server.told.length = 0;
  t.false((await api.call('createMessage', { params, body: { text: 'live' } })).resumed);
  t.deepEqual(server.told, [`message.received ${id}`]);
  for (const heard of listPendingMessages(server.db, id))
    markMessageTakenIn(server.db, id, heard.id, new Date().toISOString());
  end(server, id);
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

test('a retry is for what failed or was cancelled', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { id } = await errand(api);
  t.is((await api.refused('retryTask', { params: { id } })).code, 'conflict');
  begin(server, id);
  end(server, id, 'failed');
  t.like(await api.call('getTask', { params: { id } }), { status: 'failed', reason: 'turn_limit' });
  t.like(await api.call('retryTask', { params: { id } }), { status: 'queued', reason: null });
  begin(server, id);
  end(server, id);
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
  const { id } = await errand(api);
  const params = { id };
  const budget = async () => (await api.call('getTask', { params })).budget_usd;
  begin(server, id);
  server.db.prepare('UPDATE tasks SET cost_usd = 2 WHERE id = ?').run(id);
  await api.call('createMessage', { params, body: { text: 'x', budget_usd: 7 } });
  t.is(await budget(), 7, 'of one at work');
  t.is(findBudget(server.db, id)?.budget_usd, 7, 'which its next request goes by');
  t.is((await api.refused('retryTask', { params, body: { budget_usd: 8 } })).code, 'conflict');
  t.is(await budget(), 7, 'what is refused changes nothing');
  for (const heard of listPendingMessages(server.db, id))
    markMessageTakenIn(server.db, id, heard.id, new Date().toISOString());
  end(server, id, 'failed');
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

test("a retry's body may be left out, and what is sent is read", async (t) => {
  const { api } = await (await startApi(t)).person();
  const { id } = await errand(api);
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

test('what a user may have waiting is bounded', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { api: other } = await server.person();
  const first = await errand(api);
  server.log.write((tx) => {
    const config = { model: 'm', budget_usd: 1, max_turns: 1 };
    for (let n = 1; n < LIMITS.queued_tasks_per_user_max; n++)
      createTask(tx, { config }, session.user.id, { prompt: 'x', repo_url });
  });
  const problem = await api.refused('createTask', { body: { prompt: 'x', repo_url } });
  t.is(problem.code, 'unavailable');
  t.truthy(problem.headers.get('retry-after'));
  await errand(other);
  for (let n = 0; n < LIMITS.pending_messages_max; n++)
    await api.call('createMessage', { params: first, body: { text: 'x' } });
  t.is((await api.refused('createMessage', { params: first, body: { text: 'x' } })).code, 'conflict');
  await api.call('cancelTask', { params: first });
  await errand(api);
  t.is((await api.refused('retryTask', { params: first })).code, 'unavailable');
});

test('tasks page by key, newest first, each once, while others arrive', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const made: string[] = [];
  for (let n = 0; n < 25; n++) made.unshift((await errand(api)).id);
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query: Record<string, string | number> = { limit: 10, ...(cursor !== '' && { cursor }) };
    const page = await api.call('listTasks', { query });
    t.true(page.items.length <= 10);
    seen.push(...page.items.map(({ id }) => id));
    cursor = page.next_cursor;
    await errand(api);
  }
  t.deepEqual(seen, made);
});

test('a list holds what its filters name', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const project = await api.call('createProject', { body: { name: 'P', repo_url } });
  const [a, b, c] = [
    await errand(api),
    await errand(api, { project_id: project.id }),
    await errand(api, { project_id: project.id }),
  ];
  await api.call('cancelTask', { params: b });
  const ids = async (query: object) => (await api.call('listTasks', { query })).items.map(({ id }) => id);
  t.deepEqual(await ids({}), [c.id, b.id, a.id]);
  t.deepEqual(await ids({ status: 'queued' }), [c.id, a.id]);
  t.deepEqual(await ids({ project_id: project.id }), [c.id, b.id]);
  t.deepEqual(await ids({ project_id: project.id, status: 'cancelled' }), [b.id]);
  t.deepEqual(await ids({ project_id: project.id, cursor: c.id }), [b.id]);
});

test('every list is one search of an index, with nothing to sort', async (t) => {
  const { db } = await startApi(t);
  const statements = { ...LIST_TASKS, events: READ_TASK_EVENTS, projects: LIST_PROJECTS, sessions: LIST_SESSIONS };
  for (const [name, text] of Object.entries(statements)) {
    const parameters = Object.fromEntries([...text.matchAll(/:(\w+)/g)].map(([, key]) => [key, 1]));
    const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`).all(parameters);
    const details = plan.map(({ detail }) => detail);
    // A page of tasks is found by its ids; whether one of them is being removed is asked of an index.
    const [search = '', ...more] = details.filter(
      (detail) => !/^LIST SUBQUERY|(KEY|INDEX \w+autoindex\w+) \(id=\?\)$| FOR IN-/.test(detail),
    );
    t.deepEqual(more, [], name);
    t.regex(search, /^SEARCH \w+ USING (COVERING )?(INDEX|PRIMARY KEY) .*(id|family)[<>]\?\)$/, name);
  }
});

test('events come oldest first after a cursor, as they were stored', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { id } = await errand(api);
  const at = new Date().toISOString();
  const body = '{ "level":"info",  "text":"\\u00e9 é" }';
  for (let seq = 1; seq <= 7; seq++)
    server.log.write((tx) =>
      tx.append({ task_id: id, user_id: session.user.id, attempt: 1, seq, type: 'log', at, body }),
    );
  const all = await api.call('listEvents', { params: { id } });
  t.is(all.items.length, 8);
  t.is(all.next_cursor, null);
  const page = await api.call('listEvents', { params: { id }, query: { limit: 3, after: all.items[1]?.id ?? 0 } });
  t.deepEqual(page.items, all.items.slice(2, 5));
  t.is(page.next_cursor, all.items[4]?.id ?? 0);
  const last = await api.call('listEvents', { params: { id }, query: { limit: 3, after: page.next_cursor ?? 0 } });
  t.deepEqual(last, { items: all.items.slice(5), next_cursor: null });
  const text = await (await api.send('listEvents', { params: { id } })).text();
  t.is(text.split(body).length, 8, 'the stored text was not written anew');
});

test('a page of large events ends early, and the next goes on', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { id } = await errand(api);
  const body = JSON.stringify({ level: 'info', text: 'x'.repeat(LIMITS.event_bytes_max) });
  const common = { task_id: id, user_id: session.user.id, attempt: 1, type: 'log', at: new Date().toISOString(), body };
  for (let seq = 1; seq <= 6; seq++) server.log.write((tx) => tx.append({ ...common, seq }));
  const seqs: (number | null)[] = [];
  let pages = 0;
  for (let after: number | null = 0; after !== null; pages++) {
    const page: Page = await api.call('listEvents', { params: { id }, query: { limit: 200, after } });
    t.true(page.items.length <= 5);
    seqs.push(...page.items.map(({ seq }) => seq));
    after = page.next_cursor;
  }
  t.deepEqual(seqs, [null, 1, 2, 3, 4, 5, 6]);
  t.is(pages, 2);
});

test("a task's diff is that of its newest result", async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { id } = await errand(api);
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

test('readyz says what keeps the server from its work', async (t) => {
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
