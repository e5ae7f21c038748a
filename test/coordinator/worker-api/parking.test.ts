import test, { type ExecutionContext } from 'ava';
import { listAttempts } from '../../../coordinator/sqlite/attempts.ts';
import { listOpenNeeds } from '../../../coordinator/sqlite/needs.ts';
import { nextTask } from '../../../coordinator/sqlite/queue.ts';
import { waitingFor } from '../../../coordinator/domain/waiting-for.ts';
import { answerNeed } from '../../../coordinator/tasks/answer-need.ts';
import { addMessage, cancelTask, retryTask } from '../../../coordinator/tasks/task-commands.ts';
import { setCallbackScene as worker, callerOf } from '../../support/callback-scene.ts';
import { startAttempt, taskOf } from '../../support/fixtures.ts';

const at = '2026-01-02T03:04:05.678Z';
const asked = { seq: 1, at, type: 'question.asked', body: { ref: 'q1', question: 'Which?', options: ['a', 'b'] } };
const parked = { status: 'parked', summary: '' };
const bounds = { member_budget_usd_max: 10 };

/** A task whose worker has asked. */
async function asking(t: ExecutionContext) {
  const all = await worker(t);
  const { scene, user_id, task_id, events } = all;
  await events([asked]);
  const need = () => {
    const [one] = listOpenNeeds(scene.log.db, task_id);
    if (!one) throw new Error('Nothing is asked.');
    return one;
  };
  const answer = (choose: string[]) =>
    scene.log.write((tx) =>
      answerNeed(tx, bounds, user_id, { id: task_id, need_id: need().id }, { choose }, 'a phone'),
    );
  return { ...all, need, answer, task: () => taskOf(scene.log, task_id) };
}

test('a parked task has no attempt, is not in the queue, and says that it waits for its person since the question', async (t) => {
  const { scene, task_id, result, need, task } = await asking(t);
  t.is((await result(1, parked)).status, 200);
  t.like(task(), { status: 'parked', reason: null, ended_at: null, failures: 0 });
  t.deepEqual(waitingFor(task()), { kind: 'person', since: need().asked_at, question: 'Which?' });
  t.is(listAttempts(scene.log.db, task_id)[0]?.status, 'parked');
  t.deepEqual(scene.ended, [`${task_id}/1`]);
  t.is(nextTask(scene.log.db, []), undefined);
});

test('the answer queues a parked task again, and goes with the next assignment', async (t) => {
  const { scene, task_id, result, answer, task } = await asking(t);
  await result(1, parked);
  answer(['2']);
  t.like(task(), { status: 'queued', failures: 0, retry_at: null });
  t.is(nextTask(scene.log.db, []), task_id);
  const next = await callerOf(scene, task_id, startAttempt(scene.log, task_id));
  const { body } = await next.heartbeat();
  t.like((body as { control: { messages: object[] } }).control.messages[0], { text: 'b' });
});

test('a message to a parked task is its answer', async (t) => {
  const { scene, user_id, task_id, result, task } = await asking(t);
  await result(1, parked);
  scene.log.write((tx) => addMessage(tx, user_id, task_id, { text: 'Neither.' }));
  t.is(task().status, 'queued');
  t.deepEqual(listOpenNeeds(scene.log.db, task_id), []);
});

test('an answer that comes while the worker parks is not lost: the task is queued at once', async (t) => {
  const { result, answer, task } = await asking(t);
  answer(['1']);
  await result(1, parked);
  t.is(task().status, 'queued');
});

test('a cancel wins: of a parked task at once, and of a worker that parks meanwhile', async (t) => {
  const one = await asking(t);
  await one.result(1, parked);
  one.scene.log.write((tx) => cancelTask(tx, one.user_id, one.task_id));
  t.is(one.task().status, 'cancelled');
  t.deepEqual(listOpenNeeds(one.scene.log.db, one.task_id), []);
  const other = await asking(t);
  other.scene.log.write((tx) => cancelTask(tx, other.user_id, other.task_id));
  t.throws(() => other.answer(['1']), { message: /is being cancelled/ });
  await other.result(1, parked);
  t.is(other.task().status, 'cancelled');
});

test('a worker that parks without a question has failed', async (t) => {
  const { scene, task_id, result } = await worker(t);
  await result(0, parked);
  const detail = 'The worker ended to wait for an answer, but it has not asked.';
  t.like(taskOf(scene.log, task_id), { status: 'failed', reason: 'agent_error', detail });
});

test('a worker may park on a question of an earlier attempt only once it has asked it again', async (t) => {
  for (const asks of [false, true]) {
    const { scene, task_id, result, task } = await asking(t);
    await result(1, { status: 'failed', reason: 'worker_lost', summary: '' });
    scene.log.db.prepare('UPDATE tasks SET retry_at = NULL').run();
    const next = await callerOf(scene, task_id, startAttempt(scene.log, task_id));
    if (asks) await next.events([asked]);
    await next.result(asks ? 1 : 0, parked);
    if (asks) t.like(task(), { status: 'parked', reason: null });
    else t.regex(listAttempts(scene.log.db, task_id).at(-1)?.detail ?? '', /, but it has not asked\.$/);
  }
});

test('a worker that parks after the answer, or after it closed its question, has failed with words that say so', async (t) => {
  const over = await asking(t);
  await over.events([{ ...asked, seq: 2, type: 'question.closed', body: { ref: 'q1', answered: false } }]);
  await over.result(2, parked);
  t.regex(over.task().detail ?? '', /, but it has closed its question\.$/);
  const { scene, task_id, result, answer, task } = await asking(t);
  await result(1, parked);
  answer(['2']);
  const next = await callerOf(scene, task_id, startAttempt(scene.log, task_id));
  const { body } = await next.heartbeat();
  const [message] = (body as { control: { messages: { id: string }[] } }).control.messages;
  const heard = { turn: 0, source: 'person', message_id: message?.id, text: 'b' };
  await next.events([
    { seq: 1, at, type: 'input.added', body: heard },
    { ...asked, seq: 2 },
  ]);
  await next.result(2, parked);
  t.like(task(), { status: 'failed', reason: 'agent_error' });
  t.regex(task().detail ?? '', /, but its question was answered already: it took the answer as a message\.$/);
});

test('a parked task is answered, not retried', async (t) => {
  const { scene, user_id, task_id, result } = await asking(t);
  await result(1, parked);
  t.throws(() => scene.log.write((tx) => retryTask(tx, user_id, task_id, {})), { code: 'conflict' });
});

test('a question outlives a worker that is lost: its answer goes to the next attempt', async (t) => {
  const { scene, task_id, result, answer, need, task } = await asking(t);
  await result(1, { status: 'failed', reason: 'worker_lost', summary: '' });
  t.is(task().status, 'queued');
  const { id } = need();
  answer(['1']);
  scene.log.db.prepare('UPDATE tasks SET retry_at = NULL').run();
  const next = await callerOf(scene, task_id, startAttempt(scene.log, task_id));
  await next.events([asked, { ...asked, seq: 2, type: 'question.closed', body: { ref: 'q1', answered: true } }]);
  t.is(task().status, 'running');
  t.deepEqual(listOpenNeeds(scene.log.db, task_id), []);
  t.truthy(id);
});
