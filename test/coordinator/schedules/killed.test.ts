import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { openDatabase } from '../../../coordinator/sqlite/open-database.ts';
import { Api } from '../../support/api.ts';
import { CoordinatorProcess } from '../../support/coordinator-process.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { removeWorkers } from '../../support/remove-workers.ts';
import { setupCodeOf } from '../../support/setup-code.ts';
import { until } from '../../support/until.ts';

/** A coordinator that kills itself at a point of its log. */
const MAIN = fileURLToPath(new URL('../../chaos/coordinator.ts', import.meta.url));
const ENV = { ERRAND_RUNNER: 'process' };
const LOGIN = { email: 'ada@example.org', password: 'correct horse battery' };

test('a server that is killed just before and just after it starts the errand of a due time starts it once', async (t) => {
  t.timeout(180_000);
  const data_dir = await temporaryFolder(t);
  let coordinator = CoordinatorProcess.spawn(data_dir, ENV, [MAIN]);
  t.teardown(async () => {
    await coordinator.kill();
    await removeWorkers(data_dir);
  });
  const first = new Api(await coordinator.url());
  first.token = (await first.call('signup', { body: { ...LOGIN, setup_code: setupCodeOf(data_dir) } })).access_token;
  const body = { name: 'Nightly', prompt: 'Make the tests pass', repo_url: 'errand://sample' };
  const timing = { cron: '0 3 * * *', time_zone: 'UTC' };
  const { id } = await first.call('createSchedule', { body: { ...body, ...timing } });
  await coordinator.kill();

  // Its last due time passed while the server was down.
  const db = openDatabase(join(data_dir, 'errand.db'));
  const past = new Date(Date.now() - 24 * 3600_000).toISOString();
  db.prepare('UPDATE schedules SET handled_until = ?, next_at = ?').run(past, past);
  db.close();

  for (const failpoint of ['before:task.created:1', 'after:task.created:1']) {
    coordinator = CoordinatorProcess.spawn(data_dir, ENV, [MAIN, failpoint]);
    await until('it has died', () => coordinator.ended, 60_000);
  }
  coordinator = CoordinatorProcess.spawn(data_dir, ENV, [MAIN]);
  const api = new Api(await coordinator.url());
  api.token = (await api.call('login', { body: LOGIN })).access_token;
  const { items: runs } = await api.call('listScheduleRuns', { params: { id } });
  const { items: tasks } = await api.call('listTasks', {});
  t.deepEqual(
    runs.map(({ task_id }) => task_id),
    tasks.map((task) => task.id),
  );
  t.is(tasks.length, 1);
});
