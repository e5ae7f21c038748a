import test from 'ava';
import type { z } from 'zod';
import { advance, endAttempt } from '../../../coordinator/tasks/advance.ts';
import { READ_TASK_EVENTS_BEFORE } from '../../../coordinator/sqlite/events.ts';
import type { EventPage } from '../../../protocol/api.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { addLogEvents, addTask, endTask, runTask, taskOf } from '../../support/fixtures.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';

type Page = z.output<typeof EventPage>;
const END = Number.MAX_SAFE_INTEGER;

test('what needs you comes first, on every page, and each errand once', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { log } = server;
  const user_id = session.user.id;
  const [needing, others]: [string[], string[]] = [[], []];
  for (let n = 0; n < 23; n++) {
    const state = [
      { status: 'waiting' as const, attempt: 1 },
      { status: 'failed' as const, reason: 'budget_exhausted' as const, ended_at: new Date().toISOString() },
      { status: 'failed' as const, reason: 'stuck' as const, ended_at: new Date().toISOString() },
      { status: 'running' as const, attempt: 1 },
    ][n % 4];
    const { id } = addTask(log, user_id, state);
    (n % 4 < 2 ? needing : others).push(id);
  }
  for (const limit of [1, 5, 12, 100]) {
    const seen: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await api.call('listTasks', { query: { order: 'needs_you', limit, cursor } });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.next_cursor;
    }
    t.deepEqual(seen, [...needing.sort().toReversed(), ...others.sort().toReversed()]);
  }
});

test('several states at once, and what changed since a time', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const [a, b, c] = [await sendErrand(api), await sendErrand(api), await sendErrand(api)];
  runTask(server.log, a.id);
  await api.call('cancelTask', { params: b });
  const ids = async (query: object) => (await api.call('listTasks', { query })).items.map(({ id }) => id);
  t.deepEqual(await ids({ status: 'running,queued' }), [c.id, a.id]);
  t.deepEqual(await ids({ status: 'running,cancelled,failed' }), [b.id, a.id]);
  t.deepEqual(await ids({ updated_since: c.created_at }), [c.id, b.id, a.id]);
  t.deepEqual(await ids({ updated_since: taskOf(server.log, b.id).updated_at, limit: 1 }), [b.id]);
  t.deepEqual(await ids({ updated_since: '2100-01-01T00:00:00.000Z' }), []);
  for (const query of [
    { status: 'running,' },
    { status: 'no' },
    { updated_since: 'yesterday' },
    { unread: '1' },
    { order: 'x' },
    { cursor: 'n.' },
  ])
    t.is((await api.refused('listTasks', { query })).code, 'invalid');
});

test('an errand that rests is unread until it was read to its end, on any device', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { api: stranger } = await server.person();
  const { id } = await sendErrand(api);
  const unread = async (query: object = {}) =>
    (await api.call('listTasks', { query })).items.map((task) => [task.id, task.unread]);
  t.deepEqual(await unread(), [[id, false]], 'nothing has come of it yet');
  runTask(server.log, id);
  endTask(server.log, id);
  t.deepEqual(await unread({ unread: 'true' }), [[id, true]]);
  const { newest_event_id: event_id = 0 } = await api.call('getTask', { params: { id } });
  t.is((await stranger.refused('markRead', { params: { id }, body: { event_id } })).code, 'not_found');
  await api.call('markRead', { params: { id }, body: { event_id: event_id - 1 } });
  t.deepEqual(await unread(), [[id, true]]);
  await api.call('markRead', { params: { id }, body: { event_id: END } });
  await api.call('markRead', { params: { id }, body: { event_id: 1 } });
  t.deepEqual(await unread({ unread: 'false' }), [[id, false]], 'a mark never goes back');
  const at = new Date().toISOString();
  server.log.write((tx) => advance(tx, taskOf(server.log, id), { type: 'message', at }));
  runTask(server.log, id);
  endTask(server.log, id);
  t.deepEqual(await unread({ unread: 'true' }), [[id, true]], 'what comes later is unread again');
});

test('an errand that is parked is listed as unread, as it says itself', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { id } = await sendErrand(api);
  runTask(server.log, id);
  const at = new Date().toISOString();
  const end = { status: 'parked' as const, reason: null, detail: null, at };
  server.log.write((tx) => endAttempt(tx, taskOf(server.log, id), 1, end));
  t.true((await api.call('getTask', { params: { id } })).unread);
  const ids = async (unread: string) =>
    (await api.call('listTasks', { query: { unread } })).items.map((task) => task.id);
  t.deepEqual([await ids('true'), await ids('false')], [[id], []]);
});

test('a log of 10,000 events opens at its end with one page, and its pages back have no gap', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const errand = await sendErrand(api);
  const task = taskOf(server.log, errand.id);
  const made = addLogEvents(server.log, task, 10_000);
  const params = { id: errand.id };
  const { newest_event_id = 0 } = await api.call('getTask', { params });
  t.is(newest_event_id, made.at(-1) ?? 0);
  const seen: number[] = [];
  for (let before: number | null = END; before !== null;) {
    const page: Page = await api.call('listEvents', { params, query: { before, limit: 200 } });
    seen.unshift(...page.items.map(({ id }) => id));
    before = page.next_cursor;
  }
  const all = server.db.prepare('SELECT id FROM events WHERE task_id = ? ORDER BY id').pluck().all(errand.id);
  t.deepEqual(seen, all);
  addLogEvents(server.log, task, 10, 'x'.repeat(900_000));
  const page = await api.call('listEvents', { params, query: { before: END, limit: 200 } });
  t.is(page.items.length, 5, 'a page ends early at its bytes');
  t.is(page.next_cursor, page.items[0]?.id ?? null);
  t.is((await api.refused('listEvents', { params, query: { before: 5, after: 5 } })).code, 'invalid');
  const plan = server.db
    .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${READ_TASK_EVENTS_BEFORE}`)
    .all({ task_id: '', before: 1, limit: 1 });
  t.deepEqual(
    plan.map(({ detail }) => detail),
    ['SEARCH events USING INDEX events_by_task (task_id=? AND id<?)'],
  );
});

test('long bodies and prompts are short in lists, and whole on demand', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const prompt = 'p'.repeat(LIMITS.text_chars_max);
  const { id } = await sendErrand(api, { prompt });
  const [item] = (await api.call('listTasks', {})).items;
  t.true(item?.shortened);
  t.true((item?.prompt.length ?? 0) < LIMITS.short_body_bytes_max);
  t.is((await api.call('getTask', { params: { id } })).prompt, prompt);
  const params = { id };
  const [created] = (await api.call('listEvents', { params, query: { bodies: 'short' } })).items;
  t.true((created?.whole_bytes ?? 0) > prompt.length);
  const event_id = String(created?.id);
  const whole = await api.call('getEvent', { params: { id, event_id } });
  t.is(whole.body['prompt'], prompt);
  t.deepEqual((await api.call('listEvents', { params })).items[0], whole, 'by default all is whole');
  const { api: stranger } = await server.person();
  for (const bad of ['0', '-1', '1e3', 'x', '99999999', '9'.repeat(40)])
    t.is((await api.refused('getEvent', { params: { id, event_id: bad } })).code, 'not_found');
  t.is((await stranger.refused('getEvent', { params: { id, event_id } })).code, 'not_found');
});

test('POST /tasks is POST /task: a repeat may come to either', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const body = { prompt: 'Fix it.', repo_url: 'https://forge.example/a/b' };
  const headers = { 'idempotency-key': 'k1' };
  const first = await api.call('createTask', { body, headers });
  t.deepEqual(await api.call('postTask', { body, headers }), first);
  t.is((await api.call('listTasks', {})).items.length, 1);
});

test('the server says what it offers, with the bounds of whoever asks', async (t) => {
  const server = await startApi(t, {
    ERRAND_BUDGET_USD: '7',
    ERRAND_MEMBER_BUDGET_USD_MAX: '3',
    ERRAND_EFFORT: 'high',
  });
  const { api: owner } = await server.person();
  const { api: member } = await server.person();
  const info = await owner.call('server', {});
  t.like(info, { defaults: { effort: 'high', budget_usd: 7 }, demo: false });
  t.true(info.models.includes(info.defaults.model));
  t.is(info.bounds.budget_usd_max, 1000);
  t.like(await member.call('server', {}), { defaults: { budget_usd: 3 }, bounds: { budget_usd_max: 3 } });
});
