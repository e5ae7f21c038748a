import test, { type ExecutionContext } from 'ava';
import { Scheduler } from '../../../coordinator/schedules/scheduler.ts';
import { findSchedule, LIST_DUE_SCHEDULES, updateSchedule } from '../../../coordinator/sqlite/schedules.ts';
import { addSpending } from '../../../coordinator/sqlite/spending.ts';
import { markBlocked } from '../../../coordinator/sqlite/users.ts';
import type { ScheduleCreate } from '../../../protocol/schedules.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { addTask, endTask, runTask } from '../../support/fixtures.ts';
import { SILENT } from '../../support/silent.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';

const HOUR_MS = 3600_000;
const NIGHTLY: Omit<ScheduleCreate, 'enabled'> = {
  name: 'Nightly',
  prompt: 'Update the dependencies',
  repo_url: 'errand://sample',
  cron: '0 3 * * *',
  time_zone: 'Europe/Berlin',
};
const DEFAULTS = {
  config: {
    model: 'claude-sonnet-5-5',
    effort: 'medium',
    budget_usd: 1,
    member_budget_usd_max: 5,
    max_turns: 10,
    person_month_usd: 20,
    server_month_usd: undefined,
  },
} as const;

/** A schedule of a person, and a scheduler whose clock the test sets. */
async function scene(t: ExecutionContext, input: Partial<ScheduleCreate> = {}) {
  const server = await startApi(t);
  const person = await server.person();
  const { api } = person;
  const { id } = await api.call('createSchedule', { body: { ...NIGHTLY, ...input } });
  const params = { id };
  const clock = { now: Date.now() };
  const scheduler = new Scheduler({ log: server.log, defaults: DEFAULTS, logger: SILENT, now: () => clock.now });
  const seen = () => api.call('getSchedule', { params });
  const runs = async () => (await api.call('listScheduleRuns', { params, query: { limit: 200 } })).items;
  const tick = () => scheduler.handleDue(new AbortController().signal);
  /** Lets the next due time come, `times` times, with a look at each. */
  const pass = async (times = 1) => {
    for (let n = 0; n < times; n++) {
      clock.now = Date.parse((await seen()).next_at) + 500;
      await tick();
    }
  };
  /** Ends the errand that the newest run has started. */
  const end = async (status: 'succeeded' | 'failed') => {
    const [run] = await runs();
    runTask(server.log, run?.task_id ?? '');
    endTask(server.log, run?.task_id ?? '', status);
  };
  const tasks = async () => (await api.call('listTasks', {})).items.filter((task) => task.schedule_id === id);
  return { server, person, api, id, params, clock, scheduler, seen, runs, tick, pass, end, tasks };
}

test('a due time starts an errand, which names the schedule', async (t) => {
  const { seen, runs, pass, tasks } = await scene(t);
  const { next_at } = await seen();
  await pass();
  const [run, ...others] = await runs();
  t.like(run, { due_at: next_at, by_hand: false, outcome: null, reason: null });
  t.is(others.length, 0);
  t.deepEqual(
    (await tasks()).map(({ id, prompt }) => [id, prompt]),
    [[run?.task_id ?? '', NIGHTLY.prompt]],
  );
  t.true((await seen()).next_at > next_at);
  t.deepEqual((await seen()).last_run, run);
});

test('while the errand before has not ended, a due time says so and starts none; parked is not ended', async (t) => {
  const { server, runs, pass, end, tasks } = await scene(t);
  await pass();
  await pass();
  const [task] = await tasks();
  runTask(server.log, task?.id ?? '');
  server.db.prepare("UPDATE tasks SET status = 'parked'").run();
  await pass();
  t.deepEqual(
    (await runs()).map(({ reason }) => reason),
    ['still_at_work', 'still_at_work', null],
  );
  server.db.prepare("UPDATE tasks SET status = 'running'").run();
  endTask(server.log, task?.id ?? '');
  await pass();
  t.is((await tasks()).length, 2);
  await end('succeeded');
});

test('an errand of the schedule that somebody has taken up again counts as at work', async (t) => {
  const { api, runs, pass, end, tasks } = await scene(t);
  await pass();
  await end('succeeded');
  await api.call('createMessage', { params: { id: (await tasks())[0]?.id ?? '' }, body: { text: 'And the docs' } });
  await pass();
  t.is((await runs())[0]?.reason, 'still_at_work');
});

test('of the due times of an outage the newest runs, and the others say that a later one took their place', async (t) => {
  const { clock, runs, tick, tasks } = await scene(t);
  clock.now += 10 * 24 * HOUR_MS;
  await tick();
  const all = await runs();
  t.deepEqual(
    all.map(({ reason }) => reason),
    [null, ...Array.from({ length: 9 }, () => 'missed')],
  );
  t.is((await tasks()).length, 1);
});

test('an outage of a year is caught up with in small steps, and the newest runs of it are kept', async (t) => {
  const { api, params, clock, tick, tasks, server } = await scene(t, { cron: '*/30 * * * *' });
  clock.now += 365 * 24 * HOUR_MS;
  await tick();
  t.is((await tasks()).length, 1);
  const kept = server.db.prepare('SELECT count(*) AS n FROM schedule_runs').get();
  t.deepEqual(kept, { n: LIMITS.schedule_runs_kept_max });
  const first = await api.call('listScheduleRuns', { params, query: { limit: 200 } });
  const second = await api.call('listScheduleRuns', { params, query: { limit: 200, cursor: first.next_cursor ?? '' } });
  t.true((second.items[0]?.due_at ?? '') < (first.items.at(-1)?.due_at ?? ''));
});

test('a person who changes it during that is asked to wait: no due time is forgotten', async (t) => {
  const { api, server, id, params, clock, tick, runs } = await scene(t, { cron: '*/5 * * * *' });
  const before = findSchedule(server.db, id);
  if (!before) return t.fail();
  const past = new Date(Date.now() - 30 * 24 * HOUR_MS).toISOString();
  server.log.write(({ db }) => updateSchedule(db, { ...before, handled_until: past, next_at: past }));
  t.is((await api.refused('patchSchedule', { params, body: { cron: '0 9 * * *' } })).code, 'unavailable');
  await tick();
  await api.call('patchSchedule', { params, body: { cron: '0 9 * * *' } });
  const due = (await runs()).map(({ due_at }) => Date.parse(due_at));
  t.true(clock.now - (due[0] ?? 0) < 5 * 60_000 + 1_000);
});

type Scene = Awaited<ReturnType<typeof scene>>;
const REASONS: [reason: string, prepare: (scene: Scene) => Promise<void> | void][] = [
  ['paused', async ({ api, params }) => void (await api.call('patchSchedule', { params, body: { enabled: false } }))],
  [
    'queue_full',
    ({ server, person }) => {
      for (let n = 0; n < LIMITS.queued_tasks_per_user_max; n++) addTask(server.log, person.session.user.id);
    },
  ],
  [
    'spending_cap',
    ({ server, person, clock, id }) => {
      const due = findSchedule(server.db, id)?.next_at ?? new Date(clock.now).toISOString();
      server.log.write(({ db }) => addSpending(db, person.session.user.id, due.slice(0, 7), 20));
    },
  ],
  [
    'blocked',
    ({ server, person }) =>
      void server.log.write(({ db }) => markBlocked(db, person.session.user.id, new Date().toISOString())),
  ],
  ['project_gone', ({ server }) => void server.db.prepare('UPDATE schedules SET repo_url = NULL').run()],
  ['refused', ({ server }) => void server.db.prepare('UPDATE schedules SET budget_usd = 5000').run()],
];

for (const [reason, prepare] of REASONS)
  test(`a due time that starts nothing says why: ${reason}`, async (t) => {
    const at = await scene(t);
    await prepare(at);
    const before = at.server.db.prepare('SELECT count(*) AS n FROM tasks').get();
    const { next_at } = findSchedule(at.server.db, at.id) ?? { next_at: '' };
    at.clock.now = Date.parse(next_at) + 1;
    await at.tick();
    const row = at.server.db.prepare('SELECT due_at, reason, task_id FROM schedule_runs').all();
    t.deepEqual(row, [{ due_at: next_at, reason, task_id: null }]);
    t.deepEqual(at.server.db.prepare('SELECT count(*) AS n FROM tasks').get(), before);
  });

test('a schedule whose project is deleted pauses, and goes on with another one', async (t) => {
  const { api, params, pass, runs, seen } = await scene(t);
  const project = { name: 'App', repo_url: 'https://git.example.org/app.git', check: false };
  const { id: project_id } = await api.call('createProject', { body: project });
  await api.call('patchSchedule', { params, body: { project_id } });
  t.is((await seen()).repo_url, null);
  await api.call('deleteProject', { params: { id: project_id } });
  await pass();
  t.is((await runs())[0]?.reason, 'project_gone');
  t.is((await seen()).paused, 'project_gone');
  t.is((await api.refused('patchSchedule', { params, body: { enabled: true } })).code, 'conflict');
  t.is((await api.refused('runSchedule', { params })).code, 'conflict');
  const next = await api.call('patchSchedule', { params, body: { repo_url: 'errand://sample' } });
  t.deepEqual([next.enabled, next.paused, next.project_id], [true, null, null]);
  await pass();
  t.truthy((await runs())[0]?.task_id);
});

test('three errands that fail in a row pause it; one that succeeds in between begins the count anew', async (t) => {
  const { server, api, params, scheduler, seen, pass, end, runs } = await scene(t);
  scheduler.start();
  t.teardown(() => scheduler.stop());
  for (const status of ['failed', 'failed', 'succeeded', 'failed', 'failed'] as const) {
    await pass();
    await end(status);
    await until('it is settled', async () => (await runs())[0]?.outcome === status);
  }
  t.deepEqual([(await seen()).enabled, (await seen()).failures], [true, 2]);
  await pass();
  await end('failed');
  await until('it has paused', async () => (await seen()).paused === 'failures');
  const paused = server.rows.filter(({ type }) => type === 'schedule.paused');
  t.deepEqual(
    paused.map(({ task_id, body }) => [task_id, JSON.parse(body)]),
    [[(await runs())[0]?.task_id ?? '', { schedule_id: params.id, name: 'Nightly', failures: 3 }]],
  );
  await pass();
  t.is((await runs())[0]?.reason, 'paused');
  const resumed = await api.call('patchSchedule', { params, body: { enabled: true } });
  t.deepEqual([resumed.paused, resumed.failures], [null, 0]);
  await pass();
  t.truthy((await runs())[0]?.task_id);
});

test('the third failure pauses it also where the server died before it noticed', async (t) => {
  const { seen, runs, pass, end } = await scene(t);
  for (let n = 0; n < 3; n++) {
    await pass();
    await end('failed');
  }
  await pass();
  t.is((await seen()).paused, 'failures');
  t.deepEqual(
    (await runs()).map(({ reason, outcome }) => reason ?? outcome),
    ['paused', 'failed', 'failed', 'failed'],
  );
});

test('a clock that goes back starts nothing twice, and a schedule does not rest until a time that was never right', async (t) => {
  const { clock, runs, tick, seen, end, tasks } = await scene(t);
  const right = clock.now;
  clock.now = right + 400 * 24 * HOUR_MS;
  await tick();
  await end('succeeded');
  clock.now = right;
  await tick();
  const { next_at } = await seen();
  t.true(Date.parse(next_at) - right <= 25 * HOUR_MS, next_at);
  clock.now = Date.parse(next_at);
  await tick();
  clock.now -= 2 * HOUR_MS;
  await tick();
  clock.now += 2 * HOUR_MS;
  await tick();
  t.is((await tasks()).length, 2);
  t.is((await runs()).filter(({ due_at }) => due_at === next_at).length, 1);
});

test('a run by hand starts an errand between due times, once for a key, and not while one is at work', async (t) => {
  const { api, params, runs, end, seen } = await scene(t, { enabled: false });
  const { next_at } = await seen();
  const headers = { 'idempotency-key': 'one' };
  const run = await api.call('runSchedule', { params, headers });
  t.deepEqual(await api.call('runSchedule', { params, headers }), run);
  t.like(run, { by_hand: true, reason: null });
  t.is((await api.refused('runSchedule', { params })).code, 'conflict');
  await end('succeeded');
  await api.call('runSchedule', { params });
  t.is((await runs()).length, 2);
  t.is((await seen()).next_at, next_at);
});

test('others see nothing of it, and a token needs the scope', async (t) => {
  const { server, api, params } = await scene(t);
  const other = await server.person('eve@example.org');
  for (const name of ['getSchedule', 'deleteSchedule', 'runSchedule', 'listScheduleRuns'] as const)
    t.is((await other.api.refused(name, { params })).code, 'not_found', name);
  t.is((await other.api.refused('patchSchedule', { params, body: { name: 'Mine' } })).code, 'not_found');
  t.deepEqual((await other.api.call('listSchedules', {})).items, []);
  const { token } = await api.call('createToken', { body: { name: 'CI', scopes: ['read'], expires_in_days: 1 } });
  api.token = token;
  t.is((await api.call('listSchedules', {})).items.length, 1);
  t.is((await api.refused('runSchedule', { params })).code, 'forbidden');
});

test('what no errand could have is refused with the field when the schedule is made or changed', async (t) => {
  const { api, params } = await scene(t);
  const refused: [body: object, field: string][] = [
    [{ cron: '* * * * *' }, '/cron'],
    [{ cron: '0 0 * *' }, '/cron'],
    [{ time_zone: '+01:00' }, '/time_zone'],
    [{ budget_usd: 5000 }, '/budget_usd'],
    [{ prompt: ' ' }, '/prompt'],
    [{ repo_url: 'ftp://example.org/x' }, '/repo_url'],
  ];
  for (const [body, field] of refused) {
    const made = await api.refused('createSchedule', { body: { ...NIGHTLY, ...body } });
    t.is(made.errors?.[0]?.field, field);
    t.is((await api.refused('patchSchedule', { params, body })).errors?.[0]?.field, field);
  }
  const both = { ...NIGHTLY, project_id: params.id };
  t.is((await api.refused('createSchedule', { body: both })).code, 'invalid');
  t.is((await api.refused('patchSchedule', { params, body: { project_id: params.id } })).code, 'not_found');
});

test('the next three due times are told before anything is stored', async (t) => {
  const { api } = await scene(t);
  const { items } = await api.call('listDueTimes', { query: { cron: '0  9 * * MON', time_zone: 'UTC' } });
  t.is(items.length, 3);
  for (const at of items) t.regex(new Date(at).toUTCString(), /^Mon.* 09:00:00/);
  t.is((await api.refused('listDueTimes', { query: { cron: '*/2 * * * *', time_zone: 'UTC' } })).code, 'invalid');
});

test('a person has a bounded number of schedules', async (t) => {
  const { api } = await scene(t);
  for (let n = 1; n < LIMITS.schedules_per_user_max; n++) await api.call('createSchedule', { body: NIGHTLY });
  t.is((await api.refused('createSchedule', { body: NIGHTLY })).code, 'conflict');
});

test('schedules at rest cost one look into an index', async (t) => {
  const { server } = await scene(t);
  const plan = server.db.prepare(`EXPLAIN QUERY PLAN ${LIST_DUE_SCHEDULES}`).all({ now: '', limit: 1 });
  t.regex(JSON.stringify(plan), /SEARCH schedules USING (COVERING )?INDEX schedules_due \(next_at<\?\)/);
});

test('one schedule that fails holds no other up', async (t) => {
  const { server, api, id, clock, tick, tasks } = await scene(t);
  await api.call('createSchedule', { body: { ...NIGHTLY, time_zone: 'UTC', cron: '0 1 * * *' } });
  server.db.prepare("UPDATE schedules SET time_zone = 'Europe/Nowhere' WHERE id <> ?").run(id);
  clock.now += 26 * HOUR_MS;
  await tick();
  t.is((await tasks()).length, 1);
});
