import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { advance, endAttempt } from '../../../coordinator/tasks/advance.ts';
import type { Launcher } from '../../../coordinator/workers/local/launcher.ts';
import { newWorkerName } from '../../../coordinator/workers/worker-name.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { ProcessLauncher } from '../../../coordinator/workers/process/launcher.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { setWorkspace } from '../../../coordinator/sqlite/workspaces.ts';
import { addTask, addUser, startServer, time, TINY_WORKER } from '../../support/dispatching.ts';
import { startAttempt } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { until } from '../../support/until.ts';
import { SILENT } from '../../support/silent.ts';

/** A data folder after a crash: an attempt's row is stored, but its worker was not started. */
async function crashedBeforeStart(t: ExecutionContext): Promise<{ data_dir: string; task_id: string; worker: string }> {
  const data_dir = await temporaryFolder(t);
  const db = openTestDatabase(join(data_dir, 'errand.db'));
  const { id: task_id } = addTask(db, addUser(db));
  const worker = newWorkerName();
  const log = new EventLog({ db, logger: SILENT });
  log.write((tx) => {
    const queued = addTask(db, addUser(db));
    advance(tx, queued, { type: 'cancel', reason: 'any', at: time() });
    setWorkspace(tx.db, task_id, worker);
  });
  startAttempt(log, task_id, worker);
  db.close();
  return { data_dir, task_id, worker };
}

/** A server that was stopped while the worker of its task runs on. */
async function stoppedWhileRunning(t: ExecutionContext, prompt: string) {
  const data_dir = await temporaryFolder(t);
  const first = await startServer(t, { data_dir });
  const task = await first.runTask(prompt);
  await first.stop();
  return { data_dir, first, task };
}

test.serial('an attempt whose worker was not started before a crash is started with the stored name', async (t) => {
  const { data_dir, task_id, worker } = await crashedBeforeStart(t);
  const server = await startServer(t, { data_dir });
  await server.reaches(task_id, 'succeeded');
  t.deepEqual(
    server.attempts(task_id).map((attempt) => [attempt.n, attempt.worker]),
    [[1, worker]],
  );
});

test.serial(
  'a running worker outlives the server, and the next server gets its calls, messages it and cancels it',
  async (t) => {
    const { data_dir, task } = await stoppedWhileRunning(t, 'stay');
    const second = await startServer(t, { data_dir });
    t.is(second.dispatcher.workers.at_work, 1);
    t.is(second.task(task.id).status, 'running');
    second.cancel(task.id);
    await second.reaches(task.id, 'cancelled', 1_400);
    await until('the worker is gone', () => second.dispatcher.workers.at_work === 0);
    t.deepEqual(await second.runner.list(), []);
    t.deepEqual(second.ended, []);
  },
);

test.serial('a cancel from before a crash is executed after it', async (t) => {
  const { data_dir, first, task } = await stoppedWhileRunning(t, 'hold-on');
  first.cancel(task.id);
  t.is(first.task(task.id).status, 'running');
  const second = await startServer(t, { data_dir });
  await second.reaches(task.id, 'cancelled');
  await until('the worker is gone', () => second.dispatcher.workers.at_work === 0);
});

test.serial('an attempt whose worker exited while the server was down is lost, and the task is retried', async (t) => {
  const { data_dir, first, task } = await stoppedWhileRunning(t, 'stay');
  await first.runner.remove(first.attempts(task.id)[0]?.worker ?? '');
  const second = await startServer(t, { data_dir });
  await until('the attempt is lost', () => second.attempts(task.id)[0]?.ended_at);
  t.like(second.attempts(task.id)[0], { status: 'failed', reason: 'worker_lost' });
  t.is(second.task(task.id).detail, 'The worker disappeared before it reported a result.');
  const again = await until('another attempt works', () => second.attempts(task.id)[1]);
  t.is(again.n, 2);
  await second.reaches(task.id, 'running');
});

test.serial('a task gets no new worker before that of an ended attempt is gone, even after a crash', async (t) => {
  const { data_dir, first, task } = await stoppedWhileRunning(t, 'stay');
  // The server is killed right after it stored that the attempt is lost: its worker still runs, and the task is queued
  // again.
  first.log.write((tx) => {
    const end = { status: 'failed', reason: 'worker_lost', detail: null, at: time(-60_000) } as const;
    endAttempt(tx, first.task(task.id), 1, end);
  });
  const [old] = first.attempts(task.id);
  const removing = Promise.withResolvers<void>();
  let asked = 0;
  const launcher = (workers_dir: string): Launcher => {
    const own = new ProcessLauncher({
      workers_dir,
      program: { entry: TINY_WORKER },
      env: { PATH: process.env.PATH ?? '' },
    });
    const remove = own.remove.bind(own);
    own.remove = async (name) => {
      asked++;
      if (name === old?.worker) await removing.promise;
      await remove(name);
    };
    return own;
  };
  const second = await startServer(t, { data_dir, launcher });
  await until('it is being removed', () => asked > 0);
  second.dispatcher.wake();
  t.is(second.attempts(task.id).length, 1);
  t.true(second.dispatcher.attempts.has(task.id));
  removing.resolve();
  await until('another attempt works', () => second.attempts(task.id)[1]);
  t.false((await second.runner.list()).includes(old?.worker ?? ''));
});

test.serial('a failed removal does not block the others', async (t) => {
  const data_dir = await temporaryFolder(t);
  const [stubborn, other] = [newWorkerName(), newWorkerName()].sort() as [string, string];
  const tried: string[] = [];
  const launcher = (workers_dir: string): Launcher => {
    for (const name of [stubborn, other]) mkdirSync(join(data_dir, 'workspaces', name), { recursive: true });
    const own = new ProcessLauncher({ workers_dir, program: { entry: TINY_WORKER }, env: {} });
    own.list = async () => [stubborn, other];
    own.remove = async (name) => {
      tried.push(name);
      if (name === stubborn) throw new Error('It cannot be removed.');
    };
    return own;
  };
  const server = await startServer(t, { data_dir, launcher });
  await until('the folders are gone', () => server.workspaces.list().length === 0);
  t.deepEqual(tried, [stubborn, other]);
  server.launcher.list = async () => [];
});

test.serial('an adopted worker that dies loses its attempt', async (t) => {
  const { data_dir, first, task } = await stoppedWhileRunning(t, 'stay');
  const second = await startServer(t, { data_dir });
  t.is(second.task(task.id).status, 'running');
  await first.runner.remove(first.attempts(task.id)[0]?.worker ?? '');
  await until('the attempt is lost', () => second.attempts(task.id)[0]?.reason === 'worker_lost');
});

test.serial('orphaned workers, directories and workspaces are removed at the start; those of tasks stay', async (t) => {
  const data_dir = await temporaryFolder(t);
  const first = await startServer(t, { data_dir });
  const task = addTask(first.db, addUser(first.db));
  first.dispatcher.wake();
  await first.reaches(task.id, 'succeeded');
  await until('no worker is at work', () => first.dispatcher.workers.at_work === 0);
  await first.stop();
  const [of_task] = first.workspaces.list();
  // What a crash leaves of a warm worker, and of one that was being started.
  const orphan = newWorkerName();
  const { coordinator_dir, worker_dir } = first.directories.make(orphan);
  const workspace_dir = first.workspaces.make(orphan, first.launcher.owner);
  const mounts = { coordinator_dir, worker_dir, workspace_dir };
  const limits = { memory_bytes: 0, cpus: 1, pids_max: 1 };
  await first.launcher.start({ name: orphan, image: 'none', limits, labels: {}, mounts });
  first.directories.make(newWorkerName());
  mkdirSync(join(data_dir, 'workers', 'something-of-yours'));
  const second = await startServer(t, { data_dir });
  await until('the orphan is gone', async () => (await second.runner.list()).length === 0);
  await until('its directories are gone', () => second.directories.list().length === 0);
  await until('its workspace is gone', () => second.workspaces.list().length === 1);
  t.deepEqual(second.workspaces.list(), [of_task]);
});
