import test from 'ava';
import { settleErrand } from '../../../coordinator/schedules/settle.ts';
import { findSchedule } from '../../../coordinator/sqlite/schedules.ts';
import { addSpending } from '../../../coordinator/sqlite/spending.ts';
import { markBlocked } from '../../../coordinator/sqlite/users.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { addTask, endTask, runTask } from '../../support/fixtures.ts';
import { HOUR_MS, NIGHTLY, scheduleScene, type ScheduleScene } from '../../support/schedules/scene.ts';
import { until } from '../../support/until.ts';

test('a due time starts an errand, which names the schedule', async (t) => {
  const { seen, runs, pass, tasks } = await scheduleScene(t);
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
  const { server, runs, pass, end, tasks } = await scheduleScene(t);
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
  const { api, runs, pass, end, tasks } = await scheduleScene(t);
  await pass();
  await end('succeeded');
  await api.call('createMessage', { params: { id: (await tasks())[0]?.id ?? '' }, body: { text: 'And the docs' } });
  await pass();
  t.is((await runs())[0]?.reason, 'still_at_work');
});

test('of the due times of an outage the newest runs, and the others say that a later one took their place', async (t) => {
  const { clock, runs, tick, tasks } = await scheduleScene(t);
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
  const { api, params, clock, tick, tasks, server } = await scheduleScene(t, { cron: '*/30 * * * *' });
  clock.now += 365 * 24 * HOUR_MS;
  await tick();
  t.is((await tasks()).length, 1);
  const kept = server.db.prepare('SELECT count(*) AS n FROM schedule_runs').get();
  t.deepEqual(kept, { n: LIMITS.schedule_runs_kept_max });
  const first = await api.call('listScheduleRuns', { params, query: { limit: 200 } });
  const second = await api.call('listScheduleRuns', { params, query: { limit: 200, cursor: first.next_cursor ?? '' } });
  t.true((second.items[0]?.due_at ?? '') < (first.items.at(-1)?.due_at ?? ''));
});

const REASONS: [reason: string, prepare: (scene: ScheduleScene) => Promise<void> | void][] = [
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
    const at = await scheduleScene(t);
    await prepare(at);
    const before = at.server.db.prepare('SELECT count(*) AS n FROM tasks').get();
    const { next_at } = findSchedule(at.server.db, at.id) ?? { next_at: '' };
    at.clock.now = Date.parse(next_at) + 1;
    await at.tick();
    const row = at.server.db.prepare('SELECT due_at, reason, task_id FROM schedule_runs').all();
    t.deepEqual(row, [{ due_at: next_at, reason, task_id: null }]);
    t.deepEqual(at.server.db.prepare('SELECT count(*) AS n FROM tasks').get(), before);
  });

test('three errands that fail in a row pause it; one that succeeds in between begins the count anew', async (t) => {
  const { server, api, params, scheduler, seen, pass, end, runs } = await scheduleScene(t);
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
  const { seen, runs, pass, end } = await scheduleScene(t);
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

test('failures in a row are counted by due time, whenever each errand ended', async (t) => {
  const { server, seen, runs, pass, end } = await scheduleScene(t);
  const again = (task_id: string | null | undefined, status: 'succeeded' | 'failed') => {
    server.log.write((tx) => {
      tx.db.prepare('UPDATE tasks SET status = ? WHERE id = ?').run(status, task_id);
      settleErrand(tx, task_id ?? '');
    });
  };
  for (const status of ['succeeded', 'failed', 'succeeded', 'failed', 'failed'] as const) {
    await pass();
    await end(status);
    again((await runs())[0]?.task_id, status);
  }
  t.is((await seen()).failures, 2);
  const [, , , second, first] = await runs();
  again(first?.task_id, 'failed');
  t.deepEqual([(await seen()).failures, (await seen()).paused], [2, null], 'an old run that fails later adds nothing');
  again(second?.task_id, 'succeeded');
  t.is((await seen()).failures, 2, 'an old run that succeeds later takes nothing away');
  again((await runs())[1]?.task_id, 'succeeded');
  t.is((await seen()).failures, 1, 'a run in between that succeeds later ends the row');
});

test('due times that the server refuses count as failures: three in a row pause it, with errands that failed', async (t) => {
  const { server, api, params, seen, runs, pass, end } = await scheduleScene(t);
  await pass();
  await end('failed');
  server.db.prepare('UPDATE schedules SET budget_usd = 5000 WHERE id = ?').run(params.id);
  await pass(3);
  t.deepEqual(
    (await runs()).map(({ reason, outcome }) => reason ?? outcome),
    ['paused', 'refused', 'refused', 'failed'],
  );
  t.deepEqual([(await seen()).paused, (await seen()).failures], ['failures', 3]);
  t.is(server.rows.filter(({ type }) => type === 'schedule.paused').length, 1);
  await api.call('patchSchedule', { params, body: { enabled: true } });
  await pass(2);
  t.deepEqual([(await seen()).paused, (await seen()).failures], [null, 2], 'who takes it up again begins anew');
});

test('a clock that goes back starts nothing twice, and a schedule does not rest until a time that was never right', async (t) => {
  const { clock, runs, tick, seen, end, tasks } = await scheduleScene(t);
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

test('one schedule that fails holds no other up', async (t) => {
  const { server, api, id, clock, tick, tasks } = await scheduleScene(t);
  await api.call('createSchedule', { body: { ...NIGHTLY, name: 'Another', time_zone: 'UTC', cron: '0 1 * * *' } });
  server.db.prepare("UPDATE schedules SET time_zone = 'Europe/Nowhere' WHERE id <> ?").run(id);
  clock.now += 26 * HOUR_MS;
  await tick();
  t.is((await tasks()).length, 1);
});
