import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { advance } from '../../../coordinator/tasks/advance.ts';
import { SecretsUnreadable } from '../../../coordinator/tasks/secrets.ts';
import { addTask, addUser, startServer, time, type Server } from '../../support/dispatching.ts';
import { workerPid } from '../../support/processes.ts';
import { until } from '../../support/until.ts';

/** Waits until the worker is gone and its slot is free. */
const isIdle = ({ dispatcher }: Server) => until('no worker is at work', () => dispatcher.workers.at_work === 0);

test.serial('a queued task is run, and only its workspace is left of its worker', async (t) => {
  const server = await startServer(t);
  const task = addTask(server.db, addUser(server.db));
  server.dispatcher.wake();
  await server.reaches(task.id, 'succeeded');
  await isIdle(server);
  const [attempt] = server.attempts(task.id);
  t.like(attempt, { n: 1, status: 'succeeded', runner: 'process', warm: false });
  t.deepEqual(await server.runner.list(), []);
  t.deepEqual(server.directories.list(), []);
  t.deepEqual(server.workspaces.list(), [attempt?.worker]);
  t.is(server.task(task.id).workspace, attempt?.worker ?? '');
  t.deepEqual(server.ended, []);
});

test.serial('at most workers_max workers run at once, and every task runs', async (t) => {
  const server = await startServer(t, { workers_max: 2 });
  const user = addUser(server.db);
  const tasks = Array.from({ length: 5 }, () => addTask(server.db, user));
  let most = 0;
  const watch = setInterval(() => (most = Math.max(most, server.dispatcher.workers.at_work)), 5);
  t.teardown(() => clearInterval(watch));
  server.dispatcher.wake();
  for (const { id } of tasks) await server.reaches(id, 'succeeded');
  t.is(most, 2);
});

test.serial('only as many workers boot at once as there are CPUs, and the next one follows', async (t) => {
  const server = await startServer(t, { workers_max: 20, boot: 'silent' });
  const user = addUser(server.db);
  const tasks = Array.from({ length: availableParallelism() + 3 }, () => addTask(server.db, user));
  const boots = Math.max(2, availableParallelism());
  const inStatus = (status: string) => tasks.filter(({ id }) => server.task(id).status === status);
  server.dispatcher.wake();
  await until('workers boot', async () => (await server.runner.list()).length === boots);
  t.deepEqual([inStatus('starting').length, server.dispatcher.workers.at_work], [boots, boots]);
  const [first] = inStatus('starting');
  const next = inStatus('queued')[0];
  server.cancel(first?.id ?? '');
  await server.reaches(next?.id ?? '', 'starting');
  t.is(inStatus('starting').length, boots);
  for (const { id } of tasks) server.cancel(id);
});

test.serial('the attempt, its worker and the status are in the log before the worker starts', async (t) => {
  const server = await startServer(t);
  const task = addTask(server.db, addUser(server.db));
  server.dispatcher.wake();
  await server.reaches(task.id, 'starting');
  const [attempt] = server.attempts(task.id);
  const events = server.db.prepare('SELECT type, attempt, body FROM events WHERE task_id = ?').all(task.id);
  t.deepEqual(events, [
    { type: 'task.status', attempt: 1, body: '{"from":"queued","to":"starting","reason":null,"detail":null}' },
    { type: 'attempt.started', attempt: 1, body: `{"runner":"process","worker":"${attempt?.worker}","warm":false}` },
  ]);
  await server.reaches(task.id, 'succeeded');
});

test.serial(
  'a worker that exits without a result loses its attempt, and the next attempt gets its workspace and transcript',
  async (t) => {
    const server = await startServer(t);
    const task = addTask(server.db, addUser(server.db), { prompt: 'die-once' });
    server.dispatcher.wake();
    const queued = await until('the task waits for its retry', () => {
      const row = server.task(task.id);
      return row.status === 'queued' && row.attempt === 1 ? row : undefined;
    });
    t.is(queued.reason, 'worker_lost');
    t.regex(queued.detail ?? '', /exited with code 7 before it reported a result/);
    t.truthy(queued.retry_at);
    t.deepEqual(server.ended, [`${task.id}/1`]);
    await server.reaches(task.id, 'succeeded');
    const [first, second] = server.attempts(task.id);
    t.not(first?.worker, second?.worker);
    t.is(readFileSync(join(server.workspaces.path(first?.worker ?? ''), 'seen'), 'utf8'), '1\n2\n');
    await isIdle(server);
  },
);

test.serial('a cancelled worker reports its own result', async (t) => {
  const server = await startServer(t);
  const task = await server.runTask('stay');
  server.cancel(task.id);
  const cancelled = await server.reaches(task.id, 'cancelled', 1_000);
  t.is(cancelled.detail, 'You cancelled it.');
  await isIdle(server);
  t.deepEqual(server.ended, []);
});

test.serial('a worker that does not respond to a cancel is killed', async (t) => {
  const server = await startServer(t);
  const task = await server.runTask('hold-on');
  const start = performance.now();
  server.cancel(task.id);
  await isIdle(server);
  t.log(`it took ${Math.round(performance.now() - start)} ms`);
  t.is(server.task(task.id).status, 'cancelled');
  t.like(server.attempts(task.id)[0], { status: 'cancelled' });
  t.deepEqual(server.ended, [`${task.id}/1`]);
  t.deepEqual(await server.runner.list(), []);
});

test.serial('an end that the database refuses is stored unchanged once the database accepts it', async (t) => {
  const server = await startServer(t);
  const task = await server.runTask('hold-on');
  server.db.exec(
    "CREATE TRIGGER refuse BEFORE UPDATE OF ended_at ON attempts BEGIN SELECT RAISE(ABORT, 'Not now.'); END",
  );
  server.cancel(task.id);
  await until('the worker is gone, with its directories', () => server.directories.list().length === 0);
  t.is(server.dispatcher.workers.at_work, 1);
  t.is(server.attempts(task.id)[0]?.ended_at, null);
  server.db.exec('DROP TRIGGER refuse');
  await isIdle(server);
  t.is(server.task(task.id).status, 'cancelled');
  t.like(server.attempts(task.id)[0], { status: 'cancelled', detail: 'The worker was killed.' });
  t.deepEqual(server.ended, [`${task.id}/1`]);
});

test.serial('a worker that responded to a cancel has time to save its work', async (t) => {
  const server = await startServer(t);
  const task = await server.runTask('dawdle');
  server.cancel(task.id);
  const cancelled = await server.reaches(task.id, 'cancelled', LIMITS.cancel_push_ms);
  t.is(cancelled.result?.summary, 'cancelled with a transcript of 0');
  await isIdle(server);
});

test.serial('a worker that responded to a cancel but does not exit is killed', async (t) => {
  const server = await startServer(t);
  const task = await server.runTask('promise');
  server.cancel(task.id);
  await server.reaches(task.id, 'cancelled', LIMITS.cancel_push_ms * 2);
  t.is(server.task(task.id).result, null);
  await isIdle(server);
  t.deepEqual(await server.runner.list(), []);
});

test.serial('a task can be cancelled while its worker starts', async (t) => {
  const server = await startServer(t, { boot: 'silent' });
  const task = addTask(server.db, addUser(server.db));
  server.dispatcher.wake();
  await server.reaches(task.id, 'starting');
  await until('the worker exists', async () => (await server.runner.list()).length === 1);
  const start = performance.now();
  server.cancel(task.id);
  t.is(server.task(task.id).status, 'cancelled');
  await isIdle(server);
  t.log(`it took ${Math.round(performance.now() - start)} ms`);
  t.deepEqual(await server.runner.list(), []);
});

test.serial('a message is pushed to the worker at once', async (t) => {
  const server = await startServer(t);
  const task = await server.runTask('listen');
  server.say(task.id, 'use tabs');
  await server.reaches(task.id, 'succeeded', 3_000);
  t.is(server.attempts(task.id).length, 1);
  const added = server.db.prepare(`SELECT body FROM events WHERE type = 'input.added'`).pluck().get();
  t.regex(String(added), /use tabs/);
});

test.serial('a worker that does not exit after its result is killed', async (t) => {
  const server = await startServer(t);
  const task = addTask(server.db, addUser(server.db), { prompt: 'linger' });
  server.dispatcher.wake();
  await server.reaches(task.id, 'succeeded');
  await isIdle(server);
  t.deepEqual(await server.runner.list(), []);
});

test.serial('a resumed task gets its workspace again, and never two workers at once', async (t) => {
  const server = await startServer(t);
  const task = addTask(server.db, addUser(server.db), { prompt: 'linger' });
  server.dispatcher.wake();
  await server.reaches(task.id, 'succeeded');
  // The worker of the first attempt has not exited yet.
  server.log.write((tx) => advance(tx, server.task(task.id), { type: 'message', at: time() }));
  server.dispatcher.wake();
  t.is(server.dispatcher.workers.at_work, 1);
  await until('the second attempt began', () => server.attempts(task.id).length === 2);
  const [first] = server.attempts(task.id);
  t.deepEqual(
    await server.runner.list(),
    [server.attempts(task.id)[1]?.worker].slice(0, (await server.runner.list()).length),
  );
  await server.reaches(task.id, 'succeeded');
  t.is(readFileSync(join(server.workspaces.path(first?.worker ?? ''), 'seen'), 'utf8'), '1\n2\n');
});

for (const [boot, does, detail] of [
  [
    'exit',
    'exits while it boots',
    'The worker exited with code 3 before it listened. Its last output: it exits at once',
  ],
  [
    'break',
    'exits at its task',
    'The worker exited with code 4 before it accepted the task. Its last output: it breaks at its task',
  ],
  ['refuse', 'refuses its task', 'The worker answered POST /task with 409, not with 202: "boom with [hidden]"'],
] as const)
  test.serial(`a worker that ${does} fails the attempt with the cause, and the task is retried`, async (t) => {
    const server = await startServer(t, { boot });
    const task = addTask(server.db, addUser(server.db));
    server.dispatcher.wake();
    await until('the first attempt ended', () => server.attempts(task.id)[0]?.ended_at);
    t.like(server.attempts(task.id)[0], { status: 'failed', reason: 'worker_start_failed' });
    t.like(server.task(task.id), { status: 'queued', failures: 1, detail });
  });

test.serial('a worker that exits with 0 and without a result leaves its last output', async (t) => {
  const server = await startServer(t);
  const task = addTask(server.db, addUser(server.db), { prompt: 'give-up' });
  server.dispatcher.wake();
  await until('the first attempt ended', () => server.attempts(task.id)[0]?.ended_at);
  const detail = 'The worker exited with code 0 before it reported a result. Its last output: it has no idea';
  t.like(server.attempts(task.id)[0], { status: 'failed', reason: 'worker_lost', detail });
});

test.serial('a task whose secrets cannot be decrypted fails at once and says so', async (t) => {
  const server = await startServer(t, { assignment_error: new SecretsUnreadable(new Error('wrong key')) });
  const task = addTask(server.db, addUser(server.db));
  server.dispatcher.wake();
  const failed = await server.reaches(task.id, 'failed');
  t.is(failed.reason, 'setup_failed');
  t.regex(failed.detail ?? '', /git_token and secrets cannot be opened/);
});

test.serial('another conflict while an attempt starts is not a setup failure, and the task is retried', async (t) => {
  const server = await startServer(t, { assignment_error: new ErrandError('conflict', 'Something else.') });
  const task = addTask(server.db, addUser(server.db));
  server.dispatcher.wake();
  await until('the first attempt ended', () => server.attempts(task.id)[0]?.ended_at);
  t.like(server.attempts(task.id)[0], { status: 'failed', reason: 'worker_start_failed' });
  t.like(server.task(task.id), { status: 'queued', failures: 1 });
});

test.serial('a worker that replaces its socket by a link is not called through it', async (t) => {
  const server = await startServer(t, { boot: 'link' });
  const task = addTask(server.db, addUser(server.db));
  server.dispatcher.wake();
  await until('the first attempt ended', () => server.attempts(task.id)[0]?.ended_at);
  t.like(server.attempts(task.id)[0], { reason: 'worker_start_failed', last_seq: 0 });
});

test.serial('a stop removes a worker whose attempt has just ended', async (t) => {
  const server = await startServer(t);
  const task = addTask(server.db, addUser(server.db), { prompt: 'linger' });
  server.dispatcher.wake();
  await server.reaches(task.id, 'succeeded');
  t.is((await server.runner.list()).length, 1);
  await server.stop();
  t.deepEqual(await server.runner.list(), []);
});

test.serial('a stop starts no more work, and a worker with a task keeps running', async (t) => {
  const server = await startServer(t, { workers_max: 1, warm_workers: 1 });
  const user = addUser(server.db);
  const task = addTask(server.db, user, { prompt: 'stay' });
  server.dispatcher.wake();
  await server.reaches(task.id, 'running');
  await until('a worker waits', () => server.dispatcher.workers.warm === 1);
  const waiting = addTask(server.db, user);
  await server.stop();
  server.dispatcher.wake();
  t.deepEqual(await server.runner.list(), [server.attempts(task.id)[0]?.worker]);
  t.is(server.task(task.id).status, 'running');
  t.is(server.task(waiting.id).status, 'queued');
  t.false(existsSync(server.directories.of(server.attempts(task.id)[0]?.worker ?? '').coordinator_socket));
});

test.serial('a suspended worker loses its attempt when its lease expires, and is removed', async (t) => {
  const server = await startServer(t, { lease_ms: 5_000 });
  const task = await server.runTask('stay');
  const worker = server.attempts(task.id)[0]?.worker ?? '';
  const pid = workerPid(server.directories.workers_dir, worker);
  process.kill(pid, 'SIGSTOP');
  await until('the attempt is lost', () => server.attempts(task.id)[0]?.reason === 'worker_lost');
  await until('the next one works', () => server.attempts(task.id)[1]?.status === 'running');
  t.deepEqual(await server.runner.list(), [server.attempts(task.id)[1]?.worker]);
});
