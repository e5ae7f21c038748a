import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { ProcessLauncher } from '../../../coordinator/workers/process/launcher.ts';
import type { Launcher } from '../../../coordinator/workers/local/launcher.ts';
import { addTask, addUser, startServer, time, TINY_WORKER } from '../../support/dispatching.ts';
import { until } from '../../support/until.ts';

test.serial('a first attempt gets the warm worker, and another warm worker is started', async (t) => {
  const server = await startServer(t, { warm_workers: 1 });
  await until('a worker waits', () => server.dispatcher.workers.warm === 1);
  const [waiting] = await server.runner.list();
  const task = addTask(server.db, addUser(server.db));
  server.dispatcher.wake();
  await server.reaches(task.id, 'succeeded');
  t.like(server.attempts(task.id)[0], { worker: waiting, warm: true });
  t.is(server.task(task.id).workspace, waiting ?? '');
  await until('another waits', () => server.dispatcher.workers.warm === 1);
  await until('the first is gone', () => server.dispatcher.workers.at_work === 0);
  t.notDeepEqual(await server.runner.list(), [waiting]);
});

for (const type of ['repository.ready', 'attempt.ended'])
  test.serial(`the next warm worker is started after ${type}, not while the repository is cloned`, async (t) => {
    const server = await startServer(t, { warm_workers: 1 });
    await until('a worker waits', () => server.dispatcher.workers.warm === 1);
    const [warm] = await server.runner.list();
    const task = await server.runTask('listen');
    t.is(server.attempts(task.id)[0]?.worker, warm);
    t.deepEqual(await server.runner.list(), [warm]);
    const { id: task_id, user_id } = task;
    const at = time();
    if (type === 'attempt.ended') server.cancel(task_id);
    else server.log.write((tx) => tx.append({ task_id, user_id, attempt: 1, seq: 9, type, at, body: '{}' }));
    await until('the next waits', () => server.dispatcher.workers.warm === 1, 4_000);
    server.cancel(task_id);
  });

test.serial('a later attempt gets a new worker, with the workspace of the first', async (t) => {
  const server = await startServer(t, { warm_workers: 1 });
  await until('a worker waits', () => server.dispatcher.workers.warm === 1);
  const task = addTask(server.db, addUser(server.db), { prompt: 'die-once' });
  server.dispatcher.wake();
  await server.reaches(task.id, 'succeeded');
  const [first, second] = server.attempts(task.id);
  t.deepEqual([first?.warm, second?.warm], [true, false]);
  t.is(readFileSync(join(server.workspaces.path(first?.worker ?? ''), 'seen'), 'utf8'), '1\n2\n');
});

for (const boot of ['deaf', 'refuse'])
  test(`a warm worker that does not accept its task (${boot}) is replaced in the same attempt`, async (t) => {
    // Only the first worker misbehaves.
    const env: Record<string, string> = { PATH: process.env.PATH ?? '', TINY_WORKER: boot };
    const server = await startServer(t, {
      warm_workers: 1,
      launcher: (workers_dir) => new ProcessLauncher({ workers_dir, program: { entry: TINY_WORKER }, env }),
    });
    await until('a worker waits', () => server.dispatcher.workers.warm === 1);
    const [warm] = await server.runner.list();
    env.TINY_WORKER = '';
    const task = addTask(server.db, addUser(server.db));
    server.dispatcher.wake();
    await server.reaches(task.id, 'succeeded');
    const attempts = server.attempts(task.id);
    t.is(attempts.length, 1);
    t.like(attempts[0], { warm: false, status: 'succeeded' });
    t.not(attempts[0]?.worker, warm);
    t.false((await server.runner.list()).includes(warm ?? ''));
    t.false(server.workspaces.list().includes(warm ?? ''));
  });

test.serial('a worker with a newer contract gets no task, and the attempt says what to do', async (t) => {
  const server = await startServer(t, { boot: 'newer' });
  const task = addTask(server.db, addUser(server.db));
  server.dispatcher.wake();
  await until('the attempt has failed', () => server.attempts(task.id)[0]?.status === 'failed');
  const [attempt] = server.attempts(task.id);
  t.is(attempt?.reason, 'worker_start_failed');
  t.regex(
    attempt?.detail ?? '',
    /version 2 of the worker contract, and this server speaks version 1: upgrade the server\.$/,
  );
  server.cancel(task.id);
});

test.serial('a warm worker that accepted its task, but whose response was lost, keeps it', async (t) => {
  const server = await startServer(t, { warm_workers: 1, boot: 'mute' });
  await until('a worker waits', () => server.dispatcher.workers.warm === 1);
  const [warm] = await server.runner.list();
  const task = await server.runTask('listen');
  server.say(task.id, 'are you there?');
  // After the time limit of the hand-off the worker is called like any other.
  await server.reaches(task.id, 'succeeded');
  const attempts = server.attempts(task.id);
  t.is(attempts.length, 1);
  t.like(attempts[0], { worker: warm, warm: true });
});

test.serial('a warm worker that dies is replaced', async (t) => {
  const server = await startServer(t, { warm_workers: 1 });
  await until('a worker waits', () => server.dispatcher.workers.warm === 1);
  const [first] = await server.runner.list();
  await server.runner.remove(first ?? '');
  const second = await until('another waits', async () => {
    const [name] = await server.runner.list();
    return server.dispatcher.workers.warm === 1 && name !== first ? name : undefined;
  });
  t.truthy(second);
  t.deepEqual(server.directories.list(), [second]);
  t.deepEqual(server.workspaces.list(), [second]);
});

/** A launcher that can be made to fail. */
function breakable(inner: Launcher): Launcher & { fault: string | null; starts: number } {
  const runner = {
    name: inner.name,
    owner: inner.owner,
    fault: null as string | null,
    starts: 0,
    start: (spec: Parameters<Launcher['start']>[0]) => {
      runner.starts += 1;
      return runner.fault === null ? inner.start(spec) : Promise.reject(new Error(runner.fault));
    },
    ended: (name: string) => inner.ended(name),
    remove: (name: string) => inner.remove(name),
    list: () => inner.list(),
    check: async () => runner.fault ?? (await inner.check()),
    close: () => inner.close(),
  };
  return runner;
}

test.serial('while the runner cannot start workers, tasks wait; once it can, they start by themselves', async (t) => {
  let broken: ReturnType<typeof breakable> | undefined;
  const server = await startServer(t, {
    warm_workers: 1,
    launcher: (workers_dir) => {
      const env = { PATH: process.env.PATH ?? '' };
      broken = breakable(new ProcessLauncher({ workers_dir, program: { entry: TINY_WORKER }, env }));
      broken.fault = 'Docker does not answer.';
      return broken;
    },
  });
  const task = addTask(server.db, addUser(server.db));
  server.dispatcher.wake();
  t.is(server.gate.fault, 'Docker does not answer.');
  await until('a turn has passed', () => new Promise((resolve) => setImmediate(() => resolve(true))));
  t.is(server.task(task.id).status, 'queued');
  t.is(broken?.starts, 0);
  if (broken) broken.fault = null;
  await server.reaches(task.id, 'succeeded');
  t.is(server.gate.fault, null);
  await until('a worker waits', () => server.dispatcher.workers.warm === 1);
});

test.serial('a stop removes the warm workers', async (t) => {
  const server = await startServer(t, { warm_workers: 2 });
  await until('two wait', () => server.dispatcher.workers.warm === 2);
  await server.stop();
  t.deepEqual(await server.runner.list(), []);
  t.deepEqual(server.directories.list(), []);
  t.deepEqual(server.workspaces.list(), []);
});

test.serial('workers that do not start are a fault until one starts, and errands go on trying', async (t) => {
  const env: Record<string, string> = { PATH: process.env.PATH ?? '', TINY_WORKER: 'exit' };
  const server = await startServer(t, {
    warm_workers: 1,
    launcher: (workers_dir) => new ProcessLauncher({ workers_dir, program: { entry: TINY_WORKER }, env }),
  });
  const { dispatcher } = server;
  t.is(dispatcher.start_fault, null);
  const task = addTask(server.db, addUser(server.db));
  dispatcher.wake();
  const fault = await until('it is known', () => dispatcher.start_fault ?? undefined, 10_000);
  t.regex(fault, /^No worker starts: the last \d+ have failed\. The server's log says why\.$/);
  t.is(server.gate.fault, null);
  env.TINY_WORKER = '';
  await server.reaches(task.id, 'succeeded', 20_000);
  t.is(dispatcher.start_fault, null);
});

for (const warm_workers of [0, 1])
  test.serial(
    `with ${warm_workers} warm workers, workers that boot and accept no task are a fault after several errands, not after one`,
    async (t) => {
      const server = await startServer(t, { warm_workers, boot: 'refuse' });
      const { dispatcher } = server;
      const add = () => {
        addTask(server.db, addUser(server.db));
        dispatcher.wake();
      };
      const first = addTask(server.db, addUser(server.db));
      dispatcher.wake();
      const hasFailed = (count: number) =>
        server.attempts(first.id).filter(({ status }) => status === 'failed').length >= count;
      await until(
        'it has failed again and again',
        () => {
          server.db.prepare('UPDATE tasks SET retry_at = NULL WHERE id = ?').run(first.id);
          dispatcher.wake();
          return hasFailed(3);
        },
        10_000,
      );
      await until('warm workers wait', () => dispatcher.workers.warm === warm_workers, 10_000);
      t.is(dispatcher.start_fault, null);
      add();
      add();
      t.regex(
        await until('it is known', () => dispatcher.start_fault ?? undefined, 10_000),
        /^No worker starts: the last 3 have failed/,
      );
      await until('warm workers wait', () => dispatcher.workers.warm === warm_workers, 10_000);
      t.not(dispatcher.start_fault, null);
    },
  );

test.serial('workers that do not start because the runner is away are no fault of their own', async (t) => {
  const [env, away] = [{ PATH: process.env.PATH ?? '', TINY_WORKER: 'exit' }, { fault: null as string | null }];
  class Away extends ProcessLauncher {
    override check = async () => away.fault;
  }
  const server = await startServer(t, {
    warm_workers: 1,
    launcher: (workers_dir) => new Away({ workers_dir, program: { entry: TINY_WORKER }, env }),
  });
  await until('a start has failed', () => server.dispatcher.start_fault ?? undefined, 10_000);
  away.fault = 'Docker does not answer.';
  addTask(server.db, addUser(server.db));
  server.dispatcher.wake();
  await until('the runner is checked', () => server.gate.of('runner') ?? undefined, 10_000);
  t.is(server.dispatcher.start_fault, null);
});
