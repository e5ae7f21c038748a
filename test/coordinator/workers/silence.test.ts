import test, { type ExecutionContext } from 'ava';
import { ProgressWatch, type Stall } from '../../../coordinator/workers/progress-watch.ts';
import { taskView } from '../../../coordinator/domain/task-view.ts';
import type { WaitingFor } from '../../../protocol/task.ts';
import { addTask as addQueued, addUser as addPerson, startServer } from '../../support/dispatching.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { callWorkerApi } from '../../support/worker-api-call.ts';
import { startWorkerApiScene } from '../../support/worker-api-scene.ts';
import { addTask, addUser, startAttempt, taskOf } from '../../support/fixtures.ts';
import { workerPid } from '../../support/processes.ts';
import { until } from '../../support/until.ts';
import { SILENT } from '../../support/silent.ts';
import { TestClient } from '../../support/test-client.ts';

const since = new Date().toISOString();
const model: WaitingFor = { kind: 'model', since };

async function startAtWork(t: ExecutionContext, silent_ms: number) {
  const scene = await startWorkerApiScene({ folder: await temporaryFolder(t), silent_ms });
  t.teardown(scene.close);
  const user_id = addUser(scene.log);
  const { id } = addTask(scene.log, user_id);
  scene.leases.begin(id, startAttempt(scene.log, id));
  const token = await scene.tokens.issue(id, 1);
  const say = (path: string, body: object) =>
    callWorkerApi(
      { port: scene.callback_port },
      { path: `/internal/tasks/${id}/${path}`, token, body: { attempt: 1, ...body } },
    );
  const beat = (waiting_for: WaitingFor | null) => say('heartbeat', { last_seq: 0, waiting_for });
  return {
    scene,
    user_id,
    id,
    say,
    beat,
    seen: () => taskView(taskOf(scene.log, id), [], undefined, null).waiting_for,
  };
}

test('a worker that misses its heartbeats is shown as silent, at once and wherever the task is shown, until it calls', async (t) => {
  const { scene, user_id, id, say, beat, seen } = await startAtWork(t, 400);
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  t.teardown(() => client.close());
  t.is((await beat(model)).status, 200);
  const last = () => client.of('state').at(-1)?.waiting_for;
  await client.until(() => last()?.kind === 'model');
  await client.until(() => last()?.kind === 'silent_worker');
  const silent = last();
  t.deepEqual(seen(), silent ?? null);
  const length = silent?.kind === 'silent_worker' ? Date.parse(silent.until) - Date.parse(silent.since) : 0;
  t.is(length, 60_000);
  // A client that connects only now sees it too.
  const late = await TestClient.subscribe(scene.socket_url, user_id);
  t.teardown(() => late.close());
  await late.until(() => late.of('state').length === 1);
  t.like(late.of('state')[0], { task_id: id, status: 'running', waiting_for: silent });
  const frames = client.of('state').length;
  t.is((await say('events', { events: [] })).status, 200);
  await client.until(() => last()?.kind === 'model');
  t.deepEqual(seen(), model);
  // One frame for the silence and one for its end, however long it lasts.
  t.is(client.of('state').length, frames + 1);
});

function stallsOf(t: ExecutionContext, times = { stall_ms: 700, wait_grace_ms: 100 }) {
  const found: Stall[] = [];
  const progress = new ProgressWatch({ onStall: (stall) => found.push(stall) > 0, times, logger: SILENT });
  progress.start();
  const keep_alive = setInterval(() => undefined, 1_000);
  t.teardown(() => {
    progress.stop();
    clearInterval(keep_alive);
  });
  return { progress, found };
}

test('an attempt without progress is reported, with what its worker last waited for; one with progress is not', async (t) => {
  const { progress, found } = stallsOf(t);
  for (const task_id of ['stuck', 'moves', 'prints', 'forwarded', 'ended']) progress.begin(task_id, 1, 60_000);
  progress.recordWait('stuck', 1, model);
  progress.end('ended', 1);
  // The effect of a call that was stored with the end: it must not be watched again.
  progress.recordProgress('ended', 1);
  const done = progress.beginForward('forwarded', 1);
  const moving = setInterval(() => {
    progress.recordProgress('moves', 1);
    progress.recordOutput('prints', 1);
    // A repeated report is not progress.
    if (found.length === 0) progress.recordWait('stuck', 1, { ...model, silent_since: new Date().toISOString() });
  }, 10);
  t.teardown(() => clearInterval(moving));
  await until('one has stalled', () => found.length > 0);
  t.deepEqual(found, [{ task_id: 'stuck', attempt: 1, waiting_for: model, over_time: false }]);
  done();
  await until('the forwarded request has ended', () => found.length > 1);
  t.is(found[1]?.task_id, 'forwarded');
});

test('an attempt has a deadline, whatever its worker reports; one that could not be ended is reported again', async (t) => {
  const found: Stall[] = [];
  const progress = new ProgressWatch({
    onStall: (stall) => found.push(stall) > 1,
    times: { stall_ms: 200, wait_grace_ms: 100 },
    logger: SILENT,
  });
  progress.start();
  t.teardown(() => progress.stop());
  progress.begin('endless', 1, 50);
  progress.begin('ended', 1, 50);
  progress.end('ended', 1);
  progress.beginForward('endless', 1);
  const waiting_for = { kind: 'person', question: 'Which?', since } as const;
  const busy = setInterval(() => {
    progress.recordProgress('endless', 1);
    progress.recordWait('endless', 1, waiting_for);
  }, 5);
  t.teardown(() => clearInterval(busy));
  await until('it was reported twice', () => found.length > 1);
  const stall = { task_id: 'endless', attempt: 1, waiting_for, over_time: true };
  t.deepEqual(found, [stall, stall]);
});

test('an attempt whose stall cannot be looked at keeps no other from being reported', async (t) => {
  const found: string[] = [];
  const progress = new ProgressWatch({
    onStall: ({ task_id }) => {
      if (task_id === 'broken') throw new Error('The database is busy.');
      return found.push(task_id) > 0;
    },
    times: { stall_ms: 200, wait_grace_ms: 100 },
    logger: SILENT,
  });
  progress.start();
  t.teardown(() => progress.stop());
  for (const task_id of ['broken', 'behind']) progress.begin(task_id, 1, 50);
  await until('the one behind is reported', () => found.includes('behind'));
  t.deepEqual(found, ['behind']);
});

test('a wait may last until its end plus a grace period, and output does not extend it', async (t) => {
  const { progress, found } = stallsOf(t, { stall_ms: 100, wait_grace_ms: 200 });
  const began = performance.now();
  // The worker's clock is wrong by a year.
  const at = (ms: number) => new Date(Date.parse('2025-01-01T00:00:00Z') + ms).toISOString();
  for (const task_id of ['command', 'person']) progress.begin(task_id, 1, 60_000);
  progress.recordWait('command', 1, { kind: 'command', command: 'make', since: at(0), until: at(500) });
  progress.recordWait('person', 1, { kind: 'person', question: 'Which?', since });
  const printing = setInterval(() => progress.recordOutput('command', 1), 10);
  t.teardown(() => clearInterval(printing));
  await until('the command has stalled', () => found.length > 0);
  t.true(performance.now() - began >= 700);
  t.deepEqual(
    found.map(({ task_id }) => task_id),
    ['command'],
  );
});

test.serial('a process that is held up again and again still finds an attempt without progress', async (t) => {
  for (const [block_ms, pause_ms] of [
    [1_150, 0],
    [1_150, 40],
  ] as const) {
    const { progress, found } = stallsOf(t, { stall_ms: 1_500, wait_grace_ms: 1_000 });
    progress.begin('stuck', 1, 60_000);
    const began = performance.now();
    while (found.length === 0 && performance.now() - began < 9_000) {
      const woken = performance.now() + block_ms;
      while (performance.now() < woken);
      await new Promise((resolve) => setTimeout(resolve, pause_ms));
    }
    t.is(found.length, 1, `blocks of ${block_ms} ms`);
    const times_bound = (performance.now() - began) / 1_500;
    t.true(times_bound >= 1 && times_bound < 3.2, `found after ${times_bound} times the bound`);
  }
});

test.serial(
  'what was held up is left out: neither an attempt nor its wait or deadline ends by one long hold-up',
  async (t) => {
    const { progress, found } = stallsOf(t, { stall_ms: 400, wait_grace_ms: 300 });
    for (const task_id of ['moving', 'command', 'deadline']) progress.begin(task_id, 1, 60_000);
    progress.begin('deadline', 1, 1_000);
    progress.recordWait('command', 1, { kind: 'command', command: 'make', since, until: since });
    const woken = performance.now() + 2_500;
    while (performance.now() < woken);
    // What came meanwhile is read after the timers.
    await new Promise((resolve) => setTimeout(resolve, 30));
    t.deepEqual(found, []);
    await until('all are found later', () => found.length === 3);
  },
);

test.serial('a worker that sends heartbeats without progress loses its attempt, and the task is retried', async (t) => {
  const server = await startServer(t, { stall_ms: 2_000, wait_grace_ms: 1_000 });
  const task = addQueued(server.db, addPerson(server.db), { prompt: 'stall-once' });
  server.dispatcher.wake();
  await server.reaches(task.id, 'succeeded');
  const [first] = server.attempts(task.id);
  t.like(first, { status: 'failed', reason: 'worker_hung' });
  t.regex(first?.detail ?? '', /kept calling, but its work made no progress: .* the command `npm test`\./);
});

test.serial(
  'a worker with a blocked event loop is shown as silent, and loses its attempt when its lease expires',
  async (t) => {
    const server = await startServer(t, { lease_ms: 6_000, silent_ms: 1_500 });
    const task = addQueued(server.db, addPerson(server.db), { prompt: 'block-once' });
    server.dispatcher.wake();
    await until('it is silent', () => server.task(task.id).silence);
    await server.reaches(task.id, 'succeeded');
    const [first] = server.attempts(task.id);
    t.like(first, { status: 'failed', reason: 'worker_lost' });
    t.regex(first?.detail ?? '', /fell silent/);
    t.is(server.task(task.id).silence, null);
  },
);

test.serial(
  'a lease that expires while the engine is away costs no attempt, and the next begins once it is back',
  async (t) => {
    const server = await startServer(t, { lease_ms: 5_000 });
    const task = await server.runTask('stay');
    process.kill(workerPid(server.directories.workers_dir, server.attempts(task.id)[0]?.worker ?? ''), 'SIGSTOP');
    server.gate.set('runner', 'The engine is away.');
    await until('the attempt is lost', () => server.attempts(task.id)[0]?.reason === 'worker_lost');
    t.like(server.task(task.id), { status: 'queued', failures: 0 });
    server.gate.set('runner', null);
    await until('the next one works', () => server.attempts(task.id)[1]?.status === 'running');
  },
);

test.serial('a worker that is suspended for less than its lease continues the same attempt', async (t) => {
  const server = await startServer(t, { silent_ms: 800 });
  const task = await server.runTask('stay');
  const worker = server.attempts(task.id)[0]?.worker ?? '';
  const pid = workerPid(server.directories.workers_dir, worker);
  process.kill(pid, 'SIGSTOP');
  await until('it is silent', () => server.task(task.id).silence);
  process.kill(pid, 'SIGCONT');
  await until('it calls again', () => server.task(task.id).silence === null);
  t.is(server.attempts(task.id).length, 1);
  server.cancel(task.id);
  await server.reaches(task.id, 'cancelled');
});

test.serial('a worker that crashes loses its attempt, and its last output is reported', async (t) => {
  const server = await startServer(t);
  const task = addQueued(server.db, addPerson(server.db), { prompt: 'crash-once' });
  server.dispatcher.wake();
  await server.reaches(task.id, 'succeeded');
  t.regex(
    server.attempts(task.id)[0]?.detail ?? '',
    /exited with code \d+ before .* Its last output: .*the flux has gone/,
  );
});
