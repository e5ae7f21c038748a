import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { newWorkerName } from '../../../coordinator/workers/worker-name.ts';
import { Workspaces } from '../../../coordinator/workers/workspaces.ts';
import { EventLog, type Tx } from '../../../coordinator/sqlite/event-log.ts';
import type { Db } from '../../../coordinator/sqlite/database.ts';
import { openDatabase } from '../../../coordinator/sqlite/open-database.ts';
import { markRemoved, REMOVED_ROWS_MAX } from '../../../coordinator/sqlite/removed.ts';
import { setWorkspace } from '../../../coordinator/sqlite/workspaces.ts';
import { Api } from '../../support/api.ts';
import { CoordinatorProcess } from '../../support/coordinator-process.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { callWorkerApi } from '../../support/worker-api-call.ts';
import { startWorkerApiScene } from '../../support/worker-api-scene.ts';
import { addLogEvents, addTask, addUser, startAttempt } from '../../support/fixtures.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { TestClient } from '../../support/test-client.ts';
import { SILENT } from '../../support/silent.ts';
import { startDeletion } from '../../support/deletion-scene.ts';
import { setupCodeOf } from '../../support/setup-code.ts';

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const ENDED = { status: 'succeeded' as const, attempt: 1, ended_at: '2026-01-02T03:04:05.678Z' };

/** Records the number of rows that each transaction changed. */
class CountingLog extends EventLog {
  readonly changes: number[] = [];

  override write<T>(work: (tx: Tx) => T): T {
    const total = () => Number(this.db.prepare('SELECT total_changes()').pluck().get());
    const before = total();
    const result = super.write(work);
    this.changes.push(total() - before);
    return result;
  }
}

const countOf = (db: Db, table: string): number => Number(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get());

test('deletes a task of 20,000 events in small transactions and serves other callbacks in between', async (t) => {
  const scene = await startWorkerApiScene({ folder: await temporaryFolder(t) });
  t.teardown(scene.close);
  const user_id = addUser(scene.log);
  const large = addTask(scene.log, user_id, ENDED);
  addLogEvents(scene.log, large, 20_000);
  const other = addTask(scene.log, user_id);
  const attempt = startAttempt(scene.log, other.id);
  const token = await scene.tokens.issue(other.id, attempt);
  const log = new CountingLog({ db: scene.log.db, logger: SILENT });
  const { deletion } = await startDeletion(t, log);
  scene.log.write(({ db }) => markRemoved(db, 'task', large.id));

  const swept = new AbortController();
  const sweeping = deletion.sweep().finally(() => swept.abort());
  /** The number of transactions at the time of each response. */
  const answered: number[] = [];
  for (let seq = 1; !swept.signal.aborted; seq++) {
    const events = [{ seq, at: ENDED.ended_at, type: 'log', body: { level: 'info', text: 'y' } }];
    const path = `/internal/tasks/${other.id}/events`;
    const { status } = await callWorkerApi({ port: scene.callback_port }, { path, token, body: { attempt, events } });
    t.is(status, 200);
    answered.push(log.changes.length);
  }
  t.true(await sweeping);
  t.true(log.changes.length >= 20_000 / REMOVED_ROWS_MAX);
  // The last transaction also deletes the task's own rows.
  t.true(Math.max(...log.changes) <= REMOVED_ROWS_MAX + 5);
  t.true(new Set(answered.filter((n) => n > 0 && n < log.changes.length)).size >= 5, answered.join(' '));
  t.is(scene.log.db.prepare('SELECT count(*) FROM events WHERE task_id = ?').pluck().get(large.id), 0);
  t.is(countOf(scene.log.db, 'tasks'), 1);
  t.is(countOf(scene.log.db, 'removed'), 0);
});

test('no transaction deletes more than a few megabytes of events', async (t) => {
  const scene = await startWorkerApiScene({ folder: await temporaryFolder(t) });
  t.teardown(scene.close);
  const task = addTask(scene.log, addUser(scene.log), ENDED);
  for (let n = 0; n < 20; n++) addLogEvents(scene.log, task, 1, 'z'.repeat(1024 * 1024));
  const log = new CountingLog({ db: scene.log.db, logger: SILENT });
  const { deletion } = await startDeletion(t, log);
  log.write(({ db }) => markRemoved(db, 'task', task.id));
  t.true(await deletion.sweep());
  t.is(countOf(log.db, 'events'), 0);
  t.true(log.changes.length > 20 / 4);
});

test('a task that still has a worker keeps its rows and its workspace', async (t) => {
  const scene = await startWorkerApiScene({ folder: await temporaryFolder(t) });
  t.teardown(scene.close);
  const workspace = newWorkerName();
  const [busy, idle] = [addTask(scene.log, addUser(scene.log), ENDED), addTask(scene.log, addUser(scene.log), ENDED)];
  const runs = new Set([busy.id]);
  const { deletion, workspaces } = await startDeletion(t, scene.log, (id) => runs.has(id));
  workspaces.make(workspace, owner);
  scene.log.write(({ db }) => {
    setWorkspace(db, busy.id, workspace);
    for (const { id } of [busy, idle]) markRemoved(db, 'task', id);
  });
  t.true(await deletion.sweep());
  t.is(countOf(scene.log.db, 'tasks'), 1);
  t.deepEqual(workspaces.list(), [workspace]);
  runs.clear();
  await until('the next sweep deletes it', () => countOf(scene.log.db, 'tasks') === 0);
  await until('its workspace is removed', () => workspaces.list().length === 0);
});

test('a client replays across a removed task, from a cursor before, within and after it', async (t) => {
  const scene = await startWorkerApiScene({ folder: await temporaryFolder(t) });
  t.teardown(scene.close);
  const user_id = addUser(scene.log);
  const [kept, removed] = [addTask(scene.log, user_id), addTask(scene.log, user_id, ENDED)];
  const first = addLogEvents(scene.log, kept, 3);
  const hole = addLogEvents(scene.log, removed, 450);
  const second = addLogEvents(scene.log, kept, 3);
  const last = addLogEvents(scene.log, removed, 250);
  const { deletion } = await startDeletion(t, scene.log);
  const cursors = [0, hole[5] ?? 0, last[200] ?? 0, last.at(-1) ?? 0];
  const replays = async () => {
    const clients = await Promise.all(cursors.map((after) => TestClient.subscribe(scene.socket_url, user_id, after)));
    for (const client of clients) await client.until(() => client.of('caught_up').length === 1);
    return clients;
  };
  const check = async () => {
    const clients = await replays();
    const live = addLogEvents(scene.log, kept, 1);
    for (const client of clients) await client.until(() => client.ids().at(-1) === live[0]);
    t.deepEqual(clients[0]?.ids(), [...first, ...second, ...live]);
    t.deepEqual(clients[1]?.ids(), [...second, ...live]);
    for (const client of clients.slice(2)) t.deepEqual(client.ids(), live);
    for (const client of clients) await client.close();
    scene.log.write(({ db }) => db.prepare('DELETE FROM events WHERE id = ?').run(live[0]));
  };
  scene.log.write(({ db }) => markRemoved(db, 'task', removed.id));
  await check();
  t.true(await deletion.sweep());
  await check();
});

test.serial('a deletion that a kill interrupted stays hidden and continues at the next start', async (t) => {
  const data_dir = await temporaryFolder(t);
  const env = { ERRAND_RUNNER: 'process' };
  const start = async () => {
    const server = CoordinatorProcess.start(t, data_dir, env);
    return { server, api: new Api(await server.url()) };
  };
  const login = { email: 'ann@example.org', password: PASSWORD };
  const first = await start();
  await first.api.call('signup', { body: { ...login, setup_code: setupCodeOf(data_dir) } });
  await first.server.stop();

  const db = openDatabase(join(data_dir, 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const user_id = String(db.prepare('SELECT id FROM users').pluck().get());
  const task = addTask(log, user_id, { ...ENDED, ended_at: new Date().toISOString() });
  const old = addTask(log, user_id, { ...ENDED, ended_at: '2001-01-01T00:00:00.000Z' });
  const workspace = newWorkerName();
  new Workspaces(data_dir).make(workspace, owner);
  setWorkspace(db, task.id, workspace);
  for (let n = 0; n < 100; n++) addLogEvents(log, task, 1_000);

  const second = await start();
  second.api.token = (await second.api.call('login', { body: login })).access_token;
  await second.api.call('deleteTask', { params: task });
  await until('a part is deleted', () => countOf(db, 'events') < 100_000);
  await second.server.kill();
  const left = countOf(db, 'events');
  t.true(left > 0 && left < 100_000, String(left));
  t.true(existsSync(join(data_dir, 'workspaces', workspace)));

  const third = await start();
  third.api.token = (await third.api.call('login', { body: login })).access_token;
  t.is((await third.api.refused('getTask', { params: task })).code, 'not_found');
  await until('the rest is deleted', () => countOf(db, 'events') === 0 && countOf(db, 'tasks') === 0);
  await until('its workspace is removed', () => readdirSync(join(data_dir, 'workspaces')).length === 0);
  t.is((await third.api.refused('getTask', { params: old })).code, 'not_found', 'older than the retention limit');
  await third.server.stop();
});
