import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { samplesIn } from '../../../coordinator/demo/sample-repository.ts';
import { advance } from '../../../coordinator/tasks/advance.ts';
import { readConfig } from '../../../coordinator/base/config.ts';
import { newWorkerName } from '../../../coordinator/workers/worker-name.ts';
import { Workspaces } from '../../../coordinator/workers/workspaces.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { Deletion } from '../../../coordinator/operations/deletion.ts';
import { Retention, type RetentionDependencies } from '../../../coordinator/operations/retention.ts';
import { findSeenAt, putSeenAt } from '../../../coordinator/sqlite/meta.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { usedBytes } from '../../../coordinator/sqlite/stats.ts';
import { findTask } from '../../../coordinator/sqlite/tasks.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { addTask, addUser, startServer, time } from '../../support/dispatching.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';

const DAY_MS = 24 * 3600_000;
const MB = 1024 * 1024;
const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const daysAgo = (days: number) => time(-days * DAY_MS);

type Limits = Partial<RetentionDependencies['keep']> & {
  log?: EventLog;
  has?: (task_id: string) => boolean;
  isDiskShort?: () => boolean;
  /** In place of the real ones. */
  files?: Partial<Pick<RetentionDependencies, 'samples' | 'workspaces'>>;
};

/** A log whose disk is full. */
class FullLog extends EventLog {
  override write(): never {
    throw new ErrandError('unavailable', "The server's disk is full.");
  }
}

/** A disk that removes no folder, and takes a while to say so. */
class StuckWorkspaces extends Workspaces {
  override async remove(): Promise<void> {
    await turn();
    throw new Error('busy');
  }
}

/** A database with a user, its workspaces, and `enforce`, which runs retention once. */
async function start(t: ExecutionContext) {
  const data_dir = await temporaryFolder(t);
  const db = openTestDatabase(join(data_dir, 'errand.db'));
  const own_log = new EventLog({ db, logger: SILENT });
  const stored = new Workspaces(data_dir);
  const samples = samplesIn(data_dir);
  const user_id = addUser(db);
  t.teardown(() => db.close());
  const make = ({ has = () => false, isDiskShort = () => false, log = own_log, files, ...given }: Limits) => {
    const keep = { ...readConfig({}), ...given };
    const shared = {
      log,
      samples,
      workspaces: stored,
      ...files,
      removeFiles: async () => undefined,
      logger: SILENT,
      attempts: { has },
    };
    const deletion = new Deletion(shared);
    const disk = { isShort: () => Promise.resolve(isDiskShort()) };
    return { deletion, retention: new Retention({ ...shared, deletion, keep, disk }) };
  };
  const enforce = async (limits: Limits) => {
    const { deletion, retention } = make(limits);
    await retention.enforce();
    await deletion.sweep();
    await Promise.all([retention.stop(), deletion.stop()]);
  };
  /** Adds a task that ended `days` ago, with a workspace of `megabytes`. */
  const addWorkspace = (days: number, megabytes = 0, of = user_id) => {
    const workspace = newWorkerName();
    writeFileSync(join(stored.make(workspace, owner), 'file'), randomBytes(megabytes * MB));
    return addTask(db, of, { status: 'failed', attempt: 1, ended_at: daysAgo(days), workspace });
  };
  const workspaces = () => stored.list().toSorted();
  /** Gives a task a sample repository of so many megabytes. */
  const addSample = (task_id: string, megabytes: number) => {
    mkdirSync(samples.path(task_id), { recursive: true });
    writeFileSync(join(samples.path(task_id), 'pack'), randomBytes(megabytes * MB));
  };
  return { db, data_dir, samples, addSample, log: own_log, stored, user_id, make, enforce, addWorkspace, workspaces };
}

const namesOf = (tasks: { workspace: string | null }[]) => tasks.map(({ workspace }) => workspace ?? '').toSorted();

test('removes tasks that ended before the limit, with their logs; keeps tasks that have not ended', async (t) => {
  const { db, log, user_id, enforce } = await start(t);
  const ended = (days: number) => addTask(db, user_id, { status: 'succeeded', attempt: 1, ended_at: daysAgo(days) });
  const old = Array.from({ length: 1_200 }, () => ended(11));
  const kept = [
    ended(9),
    addTask(db, user_id, { created_at: daysAgo(100), queued_at: daysAgo(100) }),
    addTask(db, user_id, { status: 'waiting', attempt: 1, started_at: daysAgo(100) }),
  ];
  for (const task of [old[0], kept[0]])
    if (task) log.write((tx) => tx.note(task, { type: 'task.budget', body: { budget_usd: 1 } }, time()));
  await enforce({ keep_ms: 10 * DAY_MS });
  t.deepEqual(db.prepare('SELECT id FROM tasks ORDER BY id').pluck().all(), kept.map(({ id }) => id).toSorted());
  t.deepEqual(db.prepare('SELECT task_id FROM events').pluck().all(), [kept[0]?.id]);
  t.is(db.prepare('SELECT count(*) FROM removed').pluck().get(), 0);
});

test('removes nothing by age if the clock is a month ahead of the last run', async (t) => {
  const { db, enforce, addWorkspace, workspaces } = await start(t);
  addWorkspace(40);
  const limits = { keep_ms: 10 * DAY_MS, keep_workspaces_ms: 10 * DAY_MS };
  const left = () => [workspaces().length, db.prepare('SELECT count(*) FROM tasks').pluck().get()];
  putSeenAt(db, daysAgo(31));
  await enforce(limits);
  t.deepEqual(left(), [1, 1]);
  t.is(findSeenAt(db)?.slice(0, 10), daysAgo(31).slice(0, 10), 'a doubtful time is not stored');
  putSeenAt(db, daysAgo(29));
  await enforce(limits);
  t.deepEqual(left(), [0, 0]);
  t.true((findSeenAt(db) ?? '') > daysAgo(1));
});

test('the start of the server waits for no write', async (t) => {
  const { db, make } = await start(t);
  const { retention } = make({});
  retention.start();
  t.is(findSeenAt(db), undefined);
  await retention.stop();
});

test('removes as few tasks as needed, oldest end first, while they take too much', async (t) => {
  const { db, log, user_id, enforce } = await start(t);
  const body = JSON.stringify({ level: 'info', text: 'x'.repeat(MB) });
  const large = (fields: object) => {
    const task = addTask(db, user_id, { attempt: 1, ...fields });
    const event = { task_id: task.id, user_id, attempt: 1, type: 'log', at: time(), body };
    log.write((tx) => Array.from({ length: 4 }, (_, i) => tx.append({ ...event, seq: i + 1 })));
    db.prepare(
      `INSERT INTO attempts (task_id, n, status, runner, worker, warm, last_seq, started_at, log_bytes)
       VALUES (?, 1, 'failed', 'process', ?, 0, 4, ?, ?)`,
    ).run(task.id, task.id, time(), 4 * body.length);
    return task;
  };
  const active = large({ status: 'running' });
  // The order of the ids differs from the order of the ends.
  const [second, third, first] = [2, 1, 3].map((days) => large({ status: 'failed', ended_at: daysAgo(days) }));
  const ids = () => db.prepare('SELECT id FROM tasks ORDER BY id').pluck().all();
  await enforce({ keep_log_bytes: 9 * MB });
  t.deepEqual(ids(), [active.id, second?.id, third?.id]);
  t.true(usedBytes(db) <= 13 * MB);
  t.is(findTask(db, first?.id ?? ''), undefined);
  await enforce({ keep_log_bytes: MB });
  t.deepEqual(ids(), [active.id], 'an active task stays, whatever its size');
});

test('removes workspaces of tasks that ended before the limit; keeps the tasks', async (t) => {
  const { db, enforce, addWorkspace, workspaces } = await start(t);
  const [old, young] = [addWorkspace(15), addWorkspace(13)];
  await enforce({ keep_workspaces_ms: 14 * DAY_MS });
  t.deepEqual(workspaces(), namesOf([young]));
  t.is(findTask(db, old.id)?.workspace, null);
  t.is(findTask(db, old.id)?.status, 'failed');
});

test('removes the workspaces of the tasks that ended first while their total is too large', async (t) => {
  const { db, stored, enforce, addWorkspace, workspaces, user_id } = await start(t);
  const [oldest, older, newest] = [addWorkspace(3, 4), addWorkspace(2, 4), addWorkspace(1, 4)];
  const waiting = newWorkerName();
  writeFileSync(join(stored.make(waiting, owner), 'file'), randomBytes(8 * MB));
  addTask(db, user_id, { attempt: 1, workspace: waiting, retry_at: time(60_000) });
  // A missing workspace has size 0.
  addTask(db, user_id, { status: 'failed', attempt: 1, ended_at: daysAgo(1), workspace: newWorkerName() });
  await enforce({ keep_workspaces_bytes: 9 * MB });
  t.deepEqual(workspaces(), namesOf([older, newest, { workspace: waiting }]));
  t.is(findTask(db, oldest.id)?.workspace, null);
  addWorkspace(0, 10);
  await enforce({ keep_workspaces_bytes: 9 * MB });
  t.is(workspaces().length, 3, 'a workspace that is too large by itself does not evict others');
  await enforce({ keep_workspaces_bytes: 0 });
  t.deepEqual(workspaces(), [waiting], 'the workspace of a queued task stays');
});

for (const status of ['queued', 'running', 'waiting'] as const)
  test(`while the disk is short, a person with an errand that is ${status} gives up their own workspaces, and nobody else`, async (t) => {
    const { db, user_id, enforce, addWorkspace, workspaces } = await start(t);
    const [own, others] = [
      [4, 2].map((days) => addWorkspace(days)),
      [5, 3, 1].map((days) => addWorkspace(days, 0, addUser(db))),
    ];
    await enforce({ isDiskShort: () => true });
    t.deepEqual(workspaces(), namesOf([...own, ...others]), 'nobody needs the space');
    addTask(db, user_id, { status, attempt: status === 'queued' ? 0 : 1 });
    await enforce({ isDiskShort: () => true });
    t.deepEqual(workspaces(), namesOf(others));
  });

test('the workspaces of one person cost nobody else theirs', async (t) => {
  const { db, enforce, addWorkspace, workspaces } = await start(t);
  const ann = addWorkspace(13, 2, addUser(db));
  const [, newest] = [addWorkspace(2, 4), addWorkspace(1, 4)];
  await enforce({ keep_workspaces_bytes: 5 * MB });
  t.deepEqual(workspaces(), namesOf([ann, newest]));
});

test('removes as few workspaces as needed, oldest first, while the disk is short', async (t) => {
  const { db, user_id, enforce, addWorkspace, workspaces } = await start(t);
  addTask(db, user_id);
  const all = [addWorkspace(3), addWorkspace(2), addWorkspace(1)];
  await enforce({ isDiskShort: () => workspaces().length > 1 });
  t.deepEqual(workspaces(), namesOf(all.slice(2)));
});

test('removes workspaces even if the database cannot be written, and updates the rows later', async (t) => {
  const { db, user_id, enforce, addWorkspace, workspaces } = await start(t);
  addTask(db, user_id);
  const all = [addWorkspace(3), addWorkspace(2), addWorkspace(1)];
  const full = new FullLog({ db, logger: SILENT });
  await enforce({ log: full, isDiskShort: () => workspaces().length > 1 });
  t.deepEqual(workspaces(), namesOf(all.slice(2)));
  t.is(findTask(db, all[0]?.id ?? '')?.workspace, all[0]?.workspace);
  await enforce({ isDiskShort: () => true });
  t.deepEqual(
    all.map(({ id }) => findTask(db, id)?.workspace),
    [null, null, null],
  );
});

test('keeps tasks and workspaces that may still have a worker', async (t) => {
  const { db, enforce, addWorkspace, workspaces } = await start(t);
  const task = addWorkspace(100, 2);
  const limits = { keep_ms: DAY_MS, keep_log_bytes: 1, keep_workspaces_ms: DAY_MS, keep_workspaces_bytes: 0 };
  await enforce({ ...limits, isDiskShort: () => true, has: (id) => id === task.id });
  t.deepEqual(workspaces(), namesOf([task]));
  t.is(findTask(db, task.id)?.workspace, task.workspace);
  await enforce(limits);
  t.deepEqual(workspaces(), []);
});

test('the sample repository of a task counts with its workspace, and goes with it', async (t) => {
  const { db, samples, addSample, addWorkspace, enforce, workspaces, user_id } = await start(t);
  const [old, newer] = [addWorkspace(3, 1), addWorkspace(2, 1)];
  for (const { id } of [old, newer]) addSample(id, 2);
  await enforce({ keep_workspaces_bytes: 5 * MB });
  t.deepEqual(workspaces(), [newer.workspace]);
  t.deepEqual(await samples.list(), [newer.id]);
  // One whose workspace is gone counts too, and one that may get a worker stays.
  const [alone, queued] = [
    addTask(db, user_id, { status: 'failed', attempt: 1, ended_at: daysAgo(4), workspace: null }),
    addTask(db, user_id, { status: 'queued' }),
  ];
  for (const { id } of [alone, queued]) addSample(id, 3);
  await enforce({ keep_workspaces_bytes: 5 * MB });
  t.deepEqual((await samples.list()).toSorted(), [newer.id, queued.id].toSorted());
  await enforce({ isDiskShort: () => true });
  t.deepEqual(await samples.list(), [queued.id]);
});

test('neither a sample repository nor a workspace that cannot be removed ends the server', async (t) => {
  const { db, data_dir, samples, addWorkspace, enforce } = await start(t);
  const task = addWorkspace(2);
  const stuck = { ...samples, remove: () => Promise.reject(new Error('busy')) };
  // Ava fails where a rejection is left without a handler.
  await enforce({ keep_workspaces_ms: DAY_MS, files: { samples: stuck, workspaces: new StuckWorkspaces(data_dir) } });
  t.is(findTask(db, task.id)?.workspace, task.workspace);
});

test.serial('a task whose workspace was removed resumes in a new one', async (t) => {
  const server = await startServer(t);
  const { db, log, workspaces, dispatcher } = server;
  const samples = samplesIn(await temporaryFolder(t));
  const workspace = newWorkerName();
  workspaces.make(workspace, owner);
  const { id } = addTask(db, addUser(db), { status: 'failed', ended_at: daysAgo(2), attempt: 1, workspace });
  const shared = {
    log,
    workspaces,
    samples,
    removeFiles: async () => undefined,
    logger: SILENT,
    attempts: dispatcher.attempts,
  };
  const deletion = new Deletion(shared);
  const keep = { ...readConfig({}), keep_workspaces_ms: DAY_MS };
  const disk = { isShort: () => Promise.resolve(false) };
  const retention = new Retention({ ...shared, deletion, keep, disk });
  await retention.enforce();
  await Promise.all([retention.stop(), deletion.stop()]);
  t.deepEqual(workspaces.list(), []);
  log.write((tx) => advance(tx, server.task(id), { type: 'retry', at: time() }));
  dispatcher.wake();
  await server.reaches(id, 'succeeded');
  t.deepEqual(workspaces.list(), [server.task(id).workspace ?? '']);
});
