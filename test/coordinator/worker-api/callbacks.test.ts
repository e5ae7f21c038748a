import test from 'ava';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { CallbackReply } from '../../../protocol/worker-schemas.ts';
import { insertMessage, listPendingMessages } from '../../../coordinator/sqlite/messages.ts';
import { findAttempt } from '../../../coordinator/sqlite/attempts.ts';
import { readEventsOf } from '../../../coordinator/sqlite/events.ts';
import { advance } from '../../../coordinator/tasks/advance.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { callWorkerApi, type WorkerApiResponse } from '../../support/worker-api-call.ts';
import { startWorkerApiScene, type WorkerApiScene } from '../../support/worker-api-scene.ts';
import { addTask, addUser, startAttempt, taskOf } from '../../support/fixtures.ts';
import { setCallbackScene as worker, callerOf as caller } from '../../support/callback-scene.ts';

const at = '2026-01-02T03:04:05.678Z';
const ALL = { rows_max: 10_000, bytes_max: 1e9 };

const line = (seq: number, text = `line ${seq}`) => ({ seq, at, type: 'log', body: { level: 'info', text } });
const lines = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => line(from + i));

const stored = ({ log }: WorkerApiScene, user_id: string) => readEventsOf(log.db, user_id, 0, ALL).rows;
const seqs = (scene: WorkerApiScene, user_id: string) => stored(scene, user_id).flatMap(({ seq }) => seq ?? []);
const codeOf = ({ body }: WorkerApiResponse) => (body as { code: string }).code;

test('stores the events in order, acknowledges the newest, and sets the task to running', async (t) => {
  const { scene, user_id, task_id, events } = await worker(t);
  const answer = await events(lines(1, 3));
  t.is(answer.status, 200);
  t.deepEqual(answer.body, { acked_seq: 3, control: { messages: [], cancel: null } });
  t.deepEqual(
    stored(scene, user_id).map(({ seq, type }) => [seq, type]),
    [
      [null, 'task.status'],
      [null, 'task.status'],
      [1, 'log'],
      [2, 'log'],
      [3, 'log'],
    ],
  );
  t.is(taskOf(scene.log, task_id).status, 'running');
  t.is(findAttempt(scene.log.db, task_id, 1)?.status, 'running');
});

test('a repeat is acknowledged and changes nothing, alone or before new events', async (t) => {
  const { scene, user_id, events } = await worker(t);
  await events(lines(1, 3));
  t.is((await events(lines(1, 3))).status, 200);
  t.deepEqual((await events(lines(2, 5))).body, { acked_seq: 5, control: { messages: [], cancel: null } });
  t.deepEqual(seqs(scene, user_id), [1, 2, 3, 4, 5]);
});

test('a repeat with its keys in another order is the same event', async (t) => {
  const { scene, user_id, events } = await worker(t);
  await events([{ seq: 1, at, type: 'custom', body: { name: 'x', data: { a: 1, b: [2] } } }]);
  const again = await events([{ type: 'custom', body: { data: { b: [2], a: 1 }, name: 'x' }, at, seq: 1 }]);
  t.is(again.status, 200);
  t.deepEqual(seqs(scene, user_id), [1]);
});

test('a stored number with different content is refused, and nothing of that call is stored', async (t) => {
  const { scene, user_id, events } = await worker(t);
  await events(lines(1, 2));
  const answer = await events([line(1), line(2, 'another'), line(3)]);
  t.is(answer.status, 409);
  t.like(answer.body, { code: 'event_conflict', errors: [{ field: '/events/1' }] });
  t.deepEqual(seqs(scene, user_id), [1, 2]);
});

test('a gap is refused with the number that comes next', async (t) => {
  const { scene, user_id, events, result } = await worker(t);
  await events([line(1)]);
  for (const answer of [await events([line(3)]), await result(4)]) {
    t.is(answer.status, 409);
    t.like(answer.body, { code: 'events_missing', expected_seq: 2 });
  }
  t.deepEqual(seqs(scene, user_id), [1]);
});

test('the error of a bad event names its field', async (t) => {
  const { scene, user_id, events } = await worker(t);
  const turn = (value: unknown) => ({
    seq: 2,
    at,
    type: 'turn.started',
    body: { turn: value, ref: 'r', model: 'm' },
  });
  const bad: [unknown, string][] = [
    [turn('one'), '/events/1/body/turn'],
    [{ ...turn(1), extra: 1 }, '/events/1/extra'],
    [{ ...turn(1), type: 'turn.invented' }, '/events/1/type'],
    [{ ...turn(1), at: 'yesterday' }, '/events/1/at'],
    [{ ...turn(1), seq: 7 }, '/events/1/seq'],
    [line(2, 'x'.repeat(20_001)), '/events/1/body/text'],
    [{ seq: 2, at, type: 'custom', body: { name: 'deep', data: deep(101) } }, '/events/1/body'],
    [
      {
        seq: 2,
        at,
        type: 'branch.pushed',
        body: {
          branch: 'main',
          commit: 'a'.repeat(40),
          wip: false,
          diff_stat: { files: 0, insertions: 0, deletions: 0 },
        },
      },
      '/events/1/body/branch',
    ],
  ];
  for (const [event, field] of bad) {
    const answer = await events([line(1), event]);
    t.is(answer.status, 400, field);
    t.like(answer.body, { code: 'invalid', errors: [{ field }] });
  }
  t.deepEqual(seqs(scene, user_id), []);
});

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

test('an event, a body or a number of events above its limit is refused by name', async (t) => {
  const { scene, user_id, events } = await worker(t);
  const big = { seq: 1, at, type: 'custom', body: { name: 'big', data: 'ü'.repeat(LIMITS.event_bytes_max / 2) } };
  const long = await events([big]);
  t.is(long.status, 413);
  t.like(long.body, { code: 'too_large', errors: [{ field: '/events/0' }] });
  const many = await events(lines(1, LIMITS.events_per_post_max + 1));
  t.like(many.body, { code: 'invalid', errors: [{ field: '/events' }] });
  const body = await events([line(1)], { filler: 'x'.repeat(LIMITS.callback_body_bytes_max) });
  t.is(body.status, 413);
  t.is(codeOf(body), 'too_large');
  t.deepEqual(seqs(scene, user_id), []);
});

test('updates plan, question, pushed branch and waiting_for of the task in the same commit', async (t) => {
  const { scene, task_id, events } = await worker(t);
  const branch = `errand/${task_id}-x`;
  const items = [{ text: 'one', status: 'done' }];
  const waiting = { kind: 'person', since: at, question: 'Which?' };
  const diff_stat = { files: 1, insertions: 1, deletions: 0 };
  await events(
    [
      { seq: 1, at, type: 'plan.updated', body: { items } },
      { seq: 2, at, type: 'branch.pushed', body: { branch, commit: 'a'.repeat(40), wip: true, diff_stat } },
      { seq: 3, at, type: 'question.asked', body: { ref: 'q', question: 'Which?' } },
    ],
    { waiting_for: waiting },
  );
  t.like(taskOf(scene.log, task_id), { status: 'waiting', plan: items, pushed_branch: branch, waiting_for: waiting });
  await events([{ seq: 4, at, type: 'question.closed', body: { ref: 'q', answered: true } }], { waiting_for: null });
  t.like(taskOf(scene.log, task_id), { status: 'running', waiting_for: null });
});

test('every reply has the pending messages until an input.added names them, and a pending cancel', async (t) => {
  const { scene, task_id, events, heartbeat } = await worker(t);
  const message = { id: newId(), task_id, text: 'Mind the tests', created_at: at };
  scene.log.write((tx) => {
    insertMessage(tx.db, message);
    advance(tx, taskOf(scene.log, task_id), { type: 'cancel', reason: 'no more', at });
  });
  const control = { messages: [{ id: message.id, text: message.text, at }], cancel: { reason: 'no more' } };
  t.like((await heartbeat()).body, { control });
  t.like((await events([line(1)])).body, { control });
  const taken = {
    seq: 2,
    at,
    type: 'input.added',
    body: { turn: 1, source: 'person', message_id: message.id, text: 'x' },
  };
  t.like((await events([taken])).body, { control: { messages: [], cancel: control.cancel } });
  t.is(listPendingMessages(scene.log.db, task_id).length, 0);
});

test('a reply has no more messages than a worker accepts; the others follow', async (t) => {
  const { scene, task_id, events, heartbeat } = await worker(t);
  const ids = Array.from({ length: LIMITS.pending_messages_max }, (_, i) => newId(Date.now() + i));
  const text = '語'.repeat(LIMITS.text_chars_max);
  scene.log.write((tx) => ids.forEach((id) => insertMessage(tx.db, { id, task_id, text, created_at: at })));
  const pending = async () => ((await heartbeat()).body as CallbackReply).control.messages.map(({ id }) => id);
  const first = await pending();
  t.true(first.length * text.length * 3 <= LIMITS.callback_body_bytes_max);
  t.deepEqual(first, ids.slice(0, first.length));
  await events(
    first.map((message_id, i) => ({
      seq: i + 1,
      at,
      type: 'input.added',
      body: { turn: 0, source: 'person', message_id, text: 'read' },
    })),
  );
  t.deepEqual((await pending())[0], ids[first.length]);
});

test('a bad callback does not undo the others of the same transaction', async (t) => {
  const { scene, user_id } = await worker(t);
  const tasks = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const { id } = addTask(scene.log, user_id);
      return { id, calls: await caller(scene, id, startAttempt(scene.log, id)) };
    }),
  );
  const answers = await Promise.all(
    tasks.map(({ calls }, i) => (i % 2 ? calls.events(lines(1, 5)) : calls.events(lines(2, 5)))),
  );
  t.deepEqual(
    answers.map(({ status }) => status),
    tasks.map((_, i) => (i % 2 ? 200 : 409)),
  );
  const counts = tasks.map(({ id }) => stored(scene, user_id).filter((row) => row.task_id === id && row.seq).length);
  t.deepEqual(
    counts,
    tasks.map((_, i) => (i % 2 ? 5 : 0)),
  );
});

test('acknowledged events survive a restart, and a repeat after a lost reply changes nothing', async (t) => {
  const folder = await temporaryFolder(t);
  const first = await startWorkerApiScene({ folder });
  const user_id = addUser(first.log);
  const { id } = addTask(first.log, user_id);
  const attempt = startAttempt(first.log, id);
  t.is((await (await caller(first, id, attempt)).events(lines(1, 3))).status, 200);
  await first.close();
  const second = await startWorkerApiScene({ folder });
  t.teardown(second.close);
  const again = await (await caller(second, id, attempt)).events(lines(1, 4));
  t.like(again.body, { acked_seq: 4 });
  t.deepEqual(seqs(second, user_id), [1, 2, 3, 4]);
});

test('a heartbeat renews a token past half its lifetime, and an expired token of an active attempt, which is refused elsewhere', async (t) => {
  let now = Date.now();
  const scene = await startWorkerApiScene({ folder: await temporaryFolder(t), now: () => now });
  t.teardown(scene.close);
  const { id } = addTask(scene.log, addUser(scene.log));
  const { events, heartbeat, result } = await caller(scene, id, startAttempt(scene.log, id));
  const tokenIn = ({ body }: WorkerApiResponse) => (body as { token?: string }).token;
  t.is(tokenIn(await heartbeat()), undefined);
  now += (LIMITS.task_token_s * 1000) / 2;
  t.is(typeof tokenIn(await heartbeat()), 'string');
  now += LIMITS.task_token_s * 1000;
  t.is((await events([line(1)])).status, 401);
  t.is((await result(0)).status, 401);
  const token = tokenIn(await heartbeat()) ?? '';
  t.is(
    (
      await callWorkerApi(
        { port: scene.callback_port },
        { path: `/internal/tasks/${id}/events`, token, body: { attempt: 1, events: [line(1)] } },
      )
    ).status,
    200,
  );
  now += LIMITS.task_token_grace_s * 1000;
  t.is((await heartbeat()).status, 401);
});
