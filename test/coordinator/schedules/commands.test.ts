import test from 'ava';
import { deleteSomeOfUser, markRemoved } from '../../../coordinator/sqlite/removed.ts';
import { findSchedule, LIST_DUE_SCHEDULES, updateSchedule } from '../../../coordinator/sqlite/schedules.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { HOUR_MS, NIGHTLY, scheduleScene } from '../../support/schedules/scene.ts';

test('a person who changes it during that is asked to wait: no due time is forgotten', async (t) => {
  const { api, server, id, params, clock, tick, runs } = await scheduleScene(t, { cron: '*/5 * * * *' });
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

test('a schedule whose project is deleted pauses, and goes on with another one', async (t) => {
  const { api, params, pass, runs, seen } = await scheduleScene(t);
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

const [APP, SHOP, DOCS] = ['https://github.com/ada/app', 'https://github.com/ada/shop', 'https://github.com/ada/docs'];

test('each errand of a schedule has the further repositories that were chosen, with their branches', async (t) => {
  const { api, params, pass, seen, tasks } = await scheduleScene(t, { repo_url: APP });
  const { id: project_id } = await api.call('createProject', { body: { name: 'Docs', repo_url: DOCS, check: false } });
  const repositories = [
    { repo_url: `${SHOP}.git`, base_branch: 'next' },
    { project_id, work_branch: 'topic' },
  ];
  await api.call('patchSchedule', { params, body: { repositories } });
  t.deepEqual((await seen()).repositories, repositories);
  await pass();
  const [task] = await tasks();
  t.deepEqual(
    task?.repositories?.map((one) => [one.repo_url, one.project_id, one.base_branch, one.work_branch]),
    [
      [APP, null, null, null],
      [`${SHOP}.git`, null, 'next', null],
      [DOCS, project_id, null, 'topic'],
    ],
  );
  t.deepEqual((await api.call('patchSchedule', { params, body: { repositories: [] } })).repositories, []);
});

test('a schedule whose further project is deleted pauses, and goes on without it', async (t) => {
  const { api, params, pass, runs, seen } = await scheduleScene(t, { repo_url: APP });
  const { id: project_id } = await api.call('createProject', { body: { name: 'Docs', repo_url: DOCS, check: false } });
  await api.call('patchSchedule', { params, body: { repositories: [{ project_id }] } });
  await api.call('deleteProject', { params: { id: project_id } });
  await pass();
  t.is((await runs())[0]?.reason, 'project_gone');
  t.is((await seen()).paused, 'project_gone');
  t.is((await api.call('patchSchedule', { params, body: { repositories: [] } })).paused, null);
  await pass();
  t.truthy((await runs())[0]?.task_id);
});

test('a run by hand starts an errand between due times, once for a key, and not while one is at work', async (t) => {
  const { api, params, runs, end, seen } = await scheduleScene(t, { enabled: false });
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
  const { server, api, params } = await scheduleScene(t);
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
  const { api, params } = await scheduleScene(t);
  const refused: [body: object, field: string][] = [
    [{ cron: '* * * * *' }, '/cron'],
    [{ cron: '0 0 * *' }, '/cron'],
    [{ time_zone: '+01:00' }, '/time_zone'],
    [{ budget_usd: 5000 }, '/budget_usd'],
    [{ prompt: ' ' }, '/prompt'],
    [{ repo_url: 'ftp://example.org/x' }, '/repo_url'],
    [{ repositories: [{ repo_url: 'ftp://example.org/x' }] }, '/repositories/0/repo_url'],
    [{ repositories: [{ repo_url: APP }] }, '/repositories/0/repo_url'],
    [{ repo_url: APP, repositories: [{ repo_url: `${APP}.git` }] }, '/repositories/0/repo_url'],
    [{ repo_url: APP, repositories: [{ project_id: params.id }] }, '/repositories/0/project_id'],
    [{ repo_url: APP, repositories: [{ repo_url: SHOP, work_branch: 'no branch' }] }, '/repositories/0/work_branch'],
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
  const { api } = await scheduleScene(t);
  const { items } = await api.call('listDueTimes', { query: { cron: '0  9 * * MON', time_zone: 'UTC' } });
  t.is(items.length, 3);
  for (const at of items) t.regex(new Date(at).toUTCString(), /^Mon.* 09:00:00/);
  t.is((await api.refused('listDueTimes', { query: { cron: '*/2 * * * *', time_zone: 'UTC' } })).code, 'invalid');
});

test('a person has a bounded number of schedules', async (t) => {
  const { api } = await scheduleScene(t);
  for (let n = 1; n < LIMITS.schedules_per_user_max; n++)
    await api.call('createSchedule', { body: { ...NIGHTLY, name: `Nightly ${n}` } });
  const { detail } = await api.refused('createSchedule', { body: { ...NIGHTLY, name: 'One more' } });
  t.regex(detail ?? '', /^You have \d+ schedules/);
});

test('idle schedules cost one look into an index', async (t) => {
  const { server } = await scheduleScene(t);
  const plan = server.db.prepare(`EXPLAIN QUERY PLAN ${LIST_DUE_SCHEDULES}`).all({ now: '', limit: 1 });
  t.regex(JSON.stringify(plan), /SEARCH schedules USING (COVERING )?INDEX schedules_due \(next_at<\?\)/);
});

test('10,000 idle schedules cost the server next to nothing', async (t) => {
  const { server, scheduler, clock } = await scheduleScene(t);
  const { db } = server;
  const columns = 'user_id, name, project_id, repo_url, prompt, cron, time_zone, model, effort, budget_usd, paused';
  const rest = 'failures, handled_until, next_at, created_at, updated_at';
  db.prepare(
    `INSERT INTO schedules (id, ${columns}, ${rest})
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
     SELECT printf('%020d', i), ${columns}, ${rest} FROM n, schedules`,
  ).run();
  await scheduler.handleDue(new AbortController().signal);
  clock.now += 1_000;
  const before = process.cpuUsage();
  for (let second = 0; second < 100; second++) await scheduler.handleDue(new AbortController().signal);
  const { user, system } = process.cpuUsage(before);
  t.log(`${((user + system) / 100).toFixed(0)} µs each second`);
  t.true((user + system) / 100 < 2_000);
});

test('an account that is deleted takes its schedules and their runs along, and they start nothing meanwhile', async (t) => {
  const { server, person, clock, tick } = await scheduleScene(t, { cron: '*/30 * * * *' });
  const { db, log } = server;
  const user_id = person.session.user.id;
  clock.now += 30 * 24 * HOUR_MS;
  await tick();
  log.write((tx) => markRemoved(tx.db, 'user', user_id));
  db.prepare('DELETE FROM tasks').run();
  clock.now += 24 * HOUR_MS;
  await tick();
  t.deepEqual(db.prepare('SELECT count(*) AS n FROM tasks').get(), { n: 0 });
  const steps: boolean[] = [];
  while (db.prepare('SELECT 1 FROM users WHERE id = ?').get(user_id) !== undefined && steps.length < 10)
    steps.push(log.write((tx) => deleteSomeOfUser(tx.db, user_id)));
  t.true(steps.length > 1);
  t.deepEqual(db.prepare('SELECT count(*) AS n FROM schedules').get(), { n: 0 });
  t.deepEqual(db.prepare('SELECT count(*) AS n FROM schedule_runs').get(), { n: 0 });
});

test('a name is free for one schedule of a person, whatever its case', async (t) => {
  const { server, api, params } = await scheduleScene(t);
  const body = { prompt: 'Look', repo_url: 'errand://sample', cron: '0 3 * * *', time_zone: 'UTC' };
  const refused = await api.refused('createSchedule', { body: { ...body, name: 'NIGHTLY' } });
  t.is(refused.code, 'conflict');
  t.deepEqual(refused.errors, [
    { field: '/name', message: 'is the name of another schedule of yours', reason: 'schedule_name_taken' },
  ]);
  const { id } = await api.call('createSchedule', { body: { ...body, name: 'Weekly' } });
  t.is((await api.refused('patchSchedule', { params: { id }, body: { name: 'Nightly' } })).code, 'conflict');
  await api.call('patchSchedule', { params, body: { name: 'Nightly' } });
  await api.call('patchSchedule', { params, body: { name: 'nightly' } });

  const other = await server.person('eve@example.org');
  await other.api.call('createSchedule', { body: { ...body, name: 'Nightly' } });
});

test('a schedule without a name has that of its first line, with its place and a number where it is taken', async (t) => {
  const { api } = await scheduleScene(t);
  const timing = { cron: '0 3 * * *', time_zone: 'UTC' };
  const body = { prompt: 'Update the dependencies\nand the tests', repo_url: 'errand://sample', ...timing };
  const names: string[] = [];
  for (let n = 0; n < 3; n++) names.push((await api.call('createSchedule', { body })).name);
  t.deepEqual(names, [
    'Update the dependencies',
    'Update the dependencies (sample)',
    'Update the dependencies (sample) 2',
  ]);
  const project = { name: 'Shop', repo_url: 'https://git.example.org/shop.git', check: false };
  const { id: project_id } = await api.call('createProject', { body: project });
  const { prompt } = body;
  t.is((await api.call('createSchedule', { body: { prompt, project_id, ...timing } })).name, `${names[0]} (Shop)`);
  const long = { ...body, prompt: '🛒'.repeat(90) };
  for (let n = 0; n < 3; n++) {
    const { name } = await api.call('createSchedule', { body: long });
    t.true(name.length <= 100 && name.isWellFormed(), name);
  }
});
