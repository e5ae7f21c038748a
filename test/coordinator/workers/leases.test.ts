import test, { type ExecutionContext } from 'ava';
import { Leases, type ExpiredLease } from '../../../coordinator/workers/leases.ts';
import { findAttempt } from '../../../coordinator/sqlite/attempts.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { callWorkerApi } from '../../support/worker-api-call.ts';
import { startWorkerApiScene } from '../../support/worker-api-scene.ts';
import { addTask, addUser, startAttempt, taskOf } from '../../support/fixtures.ts';
import { until } from '../../support/until.ts';

/** Leases of this length that stop with the test, and those that expired. */
function startLeases(t: ExecutionContext, lease_ms: number) {
  const lost: ExpiredLease[] = [];
  const leases = new Leases(
    { lease_ms, silent_ms: lease_ms },
    { silent: () => undefined, expired: (lease) => lost.push(lease) },
  );
  t.teardown(() => leases.stop());
  return { leases, lost };
}

test('an attempt whose worker does not call is lost once; one whose worker calls, or that has ended, is not', async (t) => {
  const { leases, lost } = startLeases(t, 150);
  for (const task_id of ['first', 'second', 'ended', 'calling']) leases.begin(task_id, 1);
  leases.renew('second', 1);
  leases.renew('never begun', 1);
  leases.end('ended', 1);
  const beat = setInterval(() => leases.renew('calling', 1), 10);
  t.teardown(() => clearInterval(beat));
  await until('two are lost', () => lost.length === 2);
  t.deepEqual(lost, [
    { task_id: 'first', attempt: 1, has_called: false },
    { task_id: 'second', attempt: 1, has_called: true },
  ]);
  clearInterval(beat);
  await until('the third is lost', () => lost.length === 3);
  t.like(lost[2], { task_id: 'calling', has_called: true });
});

test('a worker that calls after it was reported as silent is reported again when it falls silent again', async (t) => {
  const silent: string[] = [];
  const times = { lease_ms: 600_000, silent_ms: 30 };
  const leases = new Leases(times, { silent: ({ task_id }) => silent.push(task_id), expired: () => undefined });
  t.teardown(() => leases.stop());
  leases.begin('task', 1);
  await until('its silence is reported', () => silent.length === 1);
  leases.renew('task', 1);
  await until('its next silence is reported', () => silent.length === 2);
  t.deepEqual(silent, ['task', 'task']);
});

test('no lease expires because this process itself was stalled', async (t) => {
  const { leases, lost } = startLeases(t, 50);
  leases.begin('task', 1);
  const woken = performance.now() + 1_200;
  while (performance.now() < woken);
  await new Promise((resolve) => setTimeout(resolve, 10));
  t.deepEqual(lost, []);
  await until('its lease expires', () => lost.length === 1);
});

test.serial('a process that is held up again and again still finds a silent worker', async (t) => {
  const { leases, lost } = startLeases(t, 2_000);
  leases.begin('silent', 1);
  const began = performance.now();
  while (lost.length === 0 && performance.now() - began < 9_000) {
    const woken = performance.now() + 1_150;
    while (performance.now() < woken);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  t.is(lost.length, 1);
  t.true(performance.now() - began < 3.2 * 2_000);
});

test('the detail of a lost attempt says whether its worker never called or fell silent', async (t) => {
  const scene = await startWorkerApiScene({ folder: await temporaryFolder(t), lease_ms: 2_000 });
  t.teardown(scene.close);
  const user_id = addUser(scene.log);
  const [never, silent] = [addTask(scene.log, user_id).id, addTask(scene.log, user_id).id];
  const attempts = new Map([never, silent].map((id) => [id, startAttempt(scene.log, id)]));
  const token = await scene.tokens.issue(silent, 1);
  for (const [id, attempt] of attempts) scene.leases.begin(id, attempt);
  const beat = () =>
    callWorkerApi(
      { port: scene.callback_port },
      { path: `/internal/tasks/${silent}/heartbeat`, token, body: { attempt: 1, last_seq: 0, waiting_for: null } },
    );
  t.is((await beat()).status, 200);
  await until('both are lost', () => scene.ended.length === 2);
  t.like(taskOf(scene.log, never), { status: 'queued', reason: 'worker_lost' });
  t.regex(taskOf(scene.log, never).detail ?? '', /made no call/);
  t.regex(taskOf(scene.log, silent).detail ?? '', /fell silent/);
  t.like(findAttempt(scene.log.db, silent, 1), { status: 'failed', reason: 'worker_lost' });
  t.like(await beat(), { status: 409, body: { code: 'stale_attempt' } });
});

test('after a start every active attempt has a full lease, and is lost if its worker does not call', async (t) => {
  const folder = await temporaryFolder(t);
  const first = await startWorkerApiScene({ folder });
  const { id } = addTask(first.log, addUser(first.log));
  startAttempt(first.log, id);
  await first.close();
  const started = performance.now();
  const second = await startWorkerApiScene({ folder, lease_ms: 300 });
  t.teardown(second.close);
  t.is(taskOf(second.log, id).status, 'starting');
  await until('it is lost', () => taskOf(second.log, id).status === 'queued');
  t.true(performance.now() - started >= 300);
});
