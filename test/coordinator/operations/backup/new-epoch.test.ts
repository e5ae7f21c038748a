import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import Database from 'better-sqlite3';
import { newId } from '../../../../protocol/ids.ts';
import { startNewEpoch } from '../../../../coordinator/operations/backup/new-epoch.ts';
import { insertApiToken } from '../../../../coordinator/sqlite/api-tokens.ts';
import { insertLinkCode } from '../../../../coordinator/sqlite/link-codes.ts';
import { openDatabase } from '../../../../coordinator/sqlite/open-database.ts';
import { insertOpenRequest } from '../../../../coordinator/sqlite/open-requests.ts';
import { EventLog } from '../../../../coordinator/sqlite/event-log.ts';
import { listOpenNeeds } from '../../../../coordinator/sqlite/needs.ts';
import { insertTaskPush } from '../../../../coordinator/sqlite/task-pushes.ts';
import { newWorkerName } from '../../../../coordinator/workers/worker-name.ts';
import { Workspaces } from '../../../../coordinator/workers/workspaces.ts';
import { addHeldTask, approvePush, dataFolder, look } from '../../../support/backups.ts';
import { addTask, addUser, endTask, startAttempt, taskOf } from '../../../support/fixtures.ts';
import { SILENT } from '../../../support/silent.ts';

const TAKEN_AT = '2026-01-01T00:00:00.000Z';

test('everything is in the database file after a new epoch starts, or it fails', async (t) => {
  const data_dir = await dataFolder(t);
  const path = join(data_dir, 'errand.db');
  // A reader blocks the checkpoint of the WAL, as a full disk does. The last close would not report that.
  const reader = new Database(path, { readonly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM tasks').get();
  t.throws(() => startNewEpoch(path, TAKEN_AT, data_dir), { message: /locked/ });
  reader.close();
  t.is(startNewEpoch(path, TAKEN_AT, data_dir).requeued, 0);
  t.false(existsSync(`${path}-wal`));
});

test('open model requests are charged for their prompt, once', async (t) => {
  const data_dir = await dataFolder(t);
  const path = join(data_dir, 'errand.db');
  const db = openDatabase(path);
  const task = db.prepare('SELECT id FROM tasks').pluck().get() as string;
  insertOpenRequest(db, {
    task_id: task,
    attempt: 1,
    model: 'claude-test',
    input_tokens: 100,
    cache_write_tokens: 20,
    cache_read_tokens: 3,
    prompt_usd: 0.25,
    max_tokens: 32_000,
    output_usd: 2,
    at: TAKEN_AT,
  });
  db.close();
  t.is(startNewEpoch(path, TAKEN_AT, data_dir).requeued, 1);
  look(data_dir, (value) => {
    t.is(value('SELECT count(*) FROM open_requests'), 0);
    t.is(value('SELECT cost_usd FROM tasks'), 0.25);
    t.is(value('SELECT requests FROM tasks'), 1);
    t.is(value('SELECT input_tokens FROM tasks'), 100);
    t.is(value('SELECT output_tokens FROM tasks'), 0);
    t.is(value('SELECT cost_usd FROM spending'), 0.25, 'the caps of the month know it');
    t.is(value('SELECT cost_usd FROM spending_days'), 0.25);
    t.regex(
      String(value(`SELECT body FROM events WHERE type = 'usage.updated'`)),
      /"model":"claude-test".*"cost_usd":0.25/,
    );
  });
});

test('work that waited to be pushed fails if its workspace is gone, and can still be pushed if it is there; what was approved goes on', async (t) => {
  const data_dir = await dataFolder(t);
  const path = join(data_dir, 'errand.db');
  const db = openDatabase(path);
  const log = new EventLog({ db, logger: SILENT });
  const user_id = addUser(log);
  const held = (name: string) => addHeldTask(log, user_id, `errand-${name}000000`);
  const [gone, kept, approved, tried, pushed] = [held('gone'), held('kept'), held('appr'), held('trie'), held('push')];
  for (const task_id of [approved, tried, pushed]) approvePush(log, user_id, task_id);
  // A push is noted before it is made: only the worker's word tells that it was.
  for (const task_id of [tried, pushed]) {
    const commit = taskOf(log, task_id).approved_commit ?? '';
    insertTaskPush(db, { task_id, key: null }, { ref: 'refs/heads/errand/x', commit, kept: [] });
  }
  const { approved_commit: commit } = taskOf(log, pushed);
  const body = JSON.stringify({ branch: 'errand/x', commit, wip: false, diff_stat: {} });
  const event = { user_id, attempt: 1, seq: 1, type: 'branch.pushed', at: TAKEN_AT, body };
  log.write((tx) => tx.append({ ...event, task_id: pushed }));
  new Workspaces(data_dir).make('errand-kept000000', { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
  const running = String(db.prepare(`SELECT id FROM tasks WHERE status = 'starting'`).pluck().get());
  db.close();

  const { lost_work } = startNewEpoch(path, TAKEN_AT, data_dir);
  const found = Object.fromEntries(lost_work.map(({ id, lost }) => [id, lost]));
  t.deepEqual(found, {
    [running]: 'begun',
    [gone]: 'held',
    [approved]: 'approved',
    [tried]: 'approved',
    [pushed]: 'begun',
  });

  const after = new EventLog({ db: openDatabase(path), logger: SILENT });
  t.teardown(() => after.db.close());
  t.like(taskOf(after, gone), { status: 'failed', reason: 'push_failed' });
  t.regex(taskOf(after, gone).detail ?? '', /look there first. Otherwise retry the errand/);
  t.deepEqual(listOpenNeeds(after.db, gone), [], 'nothing is offered that cannot work');
  t.like(taskOf(after, kept), { status: 'parked', workspace: 'errand-kept000000' });
  t.is(listOpenNeeds(after.db, kept).length, 1);
  for (const id of [running, approved, tried, pushed]) t.is(taskOf(after, id).status, 'queued');
});

test('a workspace is kept if it is as it was: not where an attempt was under way, or another one has begun since', async (t) => {
  const data_dir = await dataFolder(t);
  const path = join(data_dir, 'errand.db');
  const log = new EventLog({ db: openDatabase(path), logger: SILENT });
  const user_id = addUser(log);
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  /** A task with a workspace here, in which the attempts `spools` have left their spools. */
  const withWorkspace = (...spools: number[]) => {
    const workspace = newWorkerName();
    const { id } = addTask(log, user_id, { workspace });
    startAttempt(log, id);
    const spool = join(new Workspaces(data_dir).make(workspace, owner), 'spool');
    for (const n of spools) mkdirSync(join(spool, `${id}-${n}`));
    return { id, workspace, spool };
  };
  const [running, ended, resumed, hostile] = [withWorkspace(1), withWorkspace(1), withWorkspace(2), withWorkspace()];
  rmSync(hostile.spool, { recursive: true });
  writeFileSync(hostile.spool, 'no folder');
  for (const { id } of [ended, resumed, hostile]) endTask(log, id, 'failed');
  log.db.close();
  startNewEpoch(path, TAKEN_AT, data_dir);
  const after = new EventLog({ db: openDatabase(path), logger: SILENT });
  t.teardown(() => after.db.close());
  t.deepEqual(
    [running, ended, resumed, hostile].map(({ id }) => taskOf(after, id).workspace),
    [null, ended.workspace, null, null],
  );
});

test('nobody gets in with what may have been used or revoked after the backup', async (t) => {
  const data_dir = await dataFolder(t);
  const path = join(data_dir, 'errand.db');
  const db = openDatabase(path);
  const user_id = String(db.prepare('SELECT id FROM users').pluck().get());
  const row = { id: newId(), user_id, hash: 'x', created_at: TAKEN_AT, expires_at: '2099-01-01T00:00:00.000Z' };
  insertApiToken(db, { ...row, name: 'CI', scopes: '["read"]' });
  insertLinkCode(db, { ...row, kind: 'login', session: null });
  insertLinkCode(db, { ...row, id: newId(), hash: 'y', kind: 'invite', session: null });
  db.close();
  startNewEpoch(path, TAKEN_AT, data_dir);
  look(data_dir, (value) => {
    for (const table of ['refresh_tokens', 'api_tokens', 'link_codes'])
      t.is(value(`SELECT count(*) FROM ${table}`), 0, table);
  });
});
