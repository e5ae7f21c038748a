import test, { type ExecutionContext } from 'ava';
import type { MessageCreate } from '../../../protocol/messages.ts';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { newPull } from '../../../coordinator/domain/pull.ts';
import { bindAttachment, insertAttachment } from '../../../coordinator/sqlite/attachments.ts';
import { claimMessage } from '../../../coordinator/sqlite/messages.ts';
import { insertPull } from '../../../coordinator/sqlite/pulls.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { MessagesTaken } from '../../../protocol/worker-schemas.ts';
import { changeMessage, waitingMessages, withdrawMessage } from '../../../coordinator/tasks/message-commands.ts';
import { addMessage } from '../../../coordinator/tasks/task-commands.ts';
import { TaskSettings } from '../../../coordinator/tasks/task-settings.ts';
import { readKeys } from '../../../coordinator/base/keys.ts';
import { setCallbackScene } from '../../support/callback-scene.ts';
import { addTask, endTask, taskOf } from '../../support/fixtures.ts';
import { NO_LINKS } from '../../support/no-links.ts';

const at = new Date().toISOString();
const started = (more = {}) => ({
  seq: 1,
  at,
  type: 'agent.started',
  body: { agent: 'a', version: '1', resumed: false, ...more },
});
const heard = (seq: number, message_id: string, text: string) => ({
  seq,
  at,
  type: 'input.added',
  body: { turn: 0, source: 'person', message_id, text },
});

/** A running attempt whose worker takes messages with a call, unless `takes_messages` is false; and its person. */
async function set(t: ExecutionContext, takes_messages = true) {
  const scene = await setCallbackScene(t);
  const { log } = scene.scene;
  const { user_id, task_id } = scene;
  await scene.events([started(takes_messages ? { takes_messages } : {})]);
  const say = (message: MessageCreate) => log.write((tx) => addMessage(tx, user_id, task_id, message)).message_id;
  const of = (message_id: string) => ({ id: task_id, message_id });
  return {
    ...scene,
    log,
    say,
    change: (id: string, patch: Parameters<typeof changeMessage>[3]) =>
      log.write((tx) => changeMessage(tx, user_id, of(id), patch)),
    withdraw: (id: string) => log.write((tx) => withdrawMessage(tx, user_id, of(id))),
    waiting: () => waitingMessages(log.db, user_id, task_id),
    taken: async (...ids: string[]) =>
      MessagesTaken.parse((await scene.take(...ids)).body).messages.map(({ id, text }) => [id, text]),
    types: () =>
      log.db
        .prepare<[string], { type: string }>('SELECT type FROM events WHERE task_id = ? ORDER BY id')
        .all(task_id)
        .map(({ type }) => type),
  };
}

function refusal(act: () => unknown): { code: string; message: string } {
  try {
    act();
  } catch (error) {
    if (error instanceof ErrandError) return error;
    throw error;
  }
  throw new Error('It was not refused.');
}

test('a message that is changed before the worker takes it is heard as it was changed; after that it cannot be', async (t) => {
  const s = await set(t);
  const id = s.say({ text: 'Use tabs.' });
  t.like(s.change(id, { revision: 1, text: 'Use spaces.' }), { text: 'Use spaces.', revision: 2, taken: false });
  t.is(s.types().at(-1), 'message.changed');
  t.deepEqual(await s.taken(id), [[id, 'Use spaces.']]);
  t.like(s.waiting(), [{ id, taken: true }]);
  for (const act of [() => s.change(id, { revision: 2, text: 'No.' }), () => s.withdraw(id)])
    t.like(refusal(act), { code: 'conflict', message: 'The agent has read the message already. Send another one.' });
  t.deepEqual(await s.taken(id), [[id, 'Use spaces.']], 'a repeat, such as after a lost answer, gets it again');
  await s.events([heard(2, id, 'Use spaces.')]);
  t.deepEqual(s.waiting(), []);
  t.is(refusal(() => s.withdraw(id)).code, 'conflict');
  t.deepEqual(await s.taken(id), [], 'a message that was heard is not taken again');
});

test('a message that is withdrawn before the worker takes it is never heard', async (t) => {
  const s = await set(t);
  const [one, two] = [s.say({ text: 'One.' }), s.say({ text: 'Two.' })];
  s.withdraw(one);
  t.is(s.types().at(-1), 'message.withdrawn');
  t.deepEqual(await s.taken(two, one), [[two, 'Two.']]);
  t.like((await s.heartbeat({ last_seq: 1 })).body, { control: { messages: [{ id: two }] } });
  t.is(refusal(() => s.withdraw(one)).code, 'not_found');
  t.is(refusal(() => s.change(one, { revision: 1, text: 'x' })).code, 'not_found');
});

test('a worker that takes messages by a call can add no other: its person may have changed or withdrawn that', async (t) => {
  const s = await set(t);
  const [one, two] = [s.say({ text: 'One.' }), s.say({ text: 'Two.' })];
  s.withdraw(two);
  for (const id of [one, two, newId()]) {
    const { status, body } = await s.events([heard(2, id, 'One.')]);
    t.is(status, 400);
    t.like(body, { code: 'invalid', errors: [{ field: '/events/0/body/message_id' }] });
  }
  t.like(s.change(one, { revision: 1, text: 'Other.' }), { text: 'Other.' });
  await s.taken(one);
  t.is((await s.events([heard(2, one, 'Other.')])).status, 200);
  t.is((await s.events([heard(2, one, 'Other.')])).status, 200, 'a repeat is no other event');
});

for (const takes_messages of [true, false])
  test(`words of a person are those of a message of theirs, once (takes messages: ${takes_messages})`, async (t) => {
    const s = await set(t, takes_messages);
    const id = s.say({ text: 'One.' });
    if (takes_messages) await s.taken(id);
    const nobody = { ...heard(2, id, 'One.'), body: { turn: 0, source: 'person', text: 'Delete it all.' } };
    const refused: unknown[][] = [[nobody], [heard(2, newId(), 'One.')], [heard(2, id, 'One.'), heard(3, id, 'Two.')]];
    for (const events of refused) {
      const field = `/events/${events.length - 1}/body/message_id`;
      t.like(await s.events(events), { status: 400, body: { code: 'invalid', errors: [{ field }] } });
    }
    t.is((await s.events([heard(2, id, 'One.')])).status, 200);
    t.is((await s.events([heard(3, id, 'Two.')])).status, 400);
  });

test('a file of a person is an attachment of the task', async (t) => {
  const s = await set(t);
  const { user_id } = s;
  const attached = (task_id: string) => {
    const id = newId();
    const file = { id, name: 'a.txt', media_type: 'text/plain', bytes: 1, width: null, height: null };
    insertAttachment(s.log.db, { ...file, user_id, sha256: 'a'.repeat(64), created_at: at });
    bindAttachment(s.log.db, { user_id, id, task_id, message_id: null });
    return id;
  };
  const elsewhere = attached(addTask(s.log, user_id).id);
  const added = (attachment_id: string) =>
    s.events([{ ...heard(2, '', ''), body: { turn: 0, source: 'person', attachment_id, text: 'It is there.' } }]);
  for (const id of [newId(), elsewhere])
    t.like(await added(id), { status: 400, body: { errors: [{ field: '/events/0/body/attachment_id' }] } });
  t.is((await added(attached(s.task_id))).status, 200);
});

test('that a worker takes messages holds from the call on that says so', async (t) => {
  const { scene, user_id, task_id, events } = await setCallbackScene(t);
  const { message_id } = scene.log.write((tx) => addMessage(tx, user_id, task_id, { text: 'One.' }));
  const { body } = await events([started({ takes_messages: true }), heard(2, message_id, 'One.')]);
  t.like(body, { errors: [{ field: '/events/1/body/message_id' }] });
});

test('of edits and a take at the same time one wins, and both sides know which', async (t) => {
  const s = await set(t);
  for (let i = 0; i < 20; i++) {
    const id = s.say({ text: 'before' });
    const edit = async () => {
      // Some turns of the event loop, so that the edit falls before, into or after the call.
      for (let turn = 0; turn < i; turn++) await new Promise(setImmediate);
      return s.change(id, { revision: 1, text: 'after' }).text;
    };
    const [taken, edited] = await Promise.all([
      s.taken(id),
      edit().catch((error: unknown) => (error instanceof ErrandError ? error.code : String(error))),
    ]);
    t.deepEqual([taken, edited], [[[id, edited === 'after' ? 'after' : 'before']], edited]);
    t.true(['after', 'conflict'].includes(edited));
  }
});

test('a change is based on a revision: that of another device is not overwritten unseen', async (t) => {
  const s = await set(t);
  const id = s.say({ text: 'One.' });
  s.change(id, { revision: 1, hear: 'after_turn' });
  const late = refusal(() => s.change(id, { revision: 1, text: 'Other.' }));
  t.like(late, { code: 'conflict', message: 'The message was changed on another device meanwhile: look at it again.' });
  t.like(s.waiting(), [{ text: 'One.', hear: 'after_turn', revision: 2 }]);
});

test('a worker that takes no messages by a call may have read each one: none can be changed', async (t) => {
  const s = await set(t, false);
  const id = s.say({ text: 'One.' });
  for (const act of [() => s.change(id, { revision: 1, text: 'x' }), () => s.withdraw(id)])
    t.like(refusal(act), {
      code: 'conflict',
      message: 'The agent may have read the message already. Send another one.',
    });
  await s.events([heard(2, id, 'One.')]);
  t.deepEqual(s.waiting(), []);
});

test('the call takes only messages of its own task, a limited number, and only for the active attempt', async (t) => {
  const s = await set(t);
  t.deepEqual(await s.taken(newId()), []);
  t.is((await s.take()).status, 400);
  t.is((await s.take(...Array.from({ length: LIMITS.messages_per_take_max + 1 }, () => newId()))).status, 400);
  const id = s.say({ text: 'One.' });
  endTask(s.log, s.task_id);
  t.is((await s.take(id)).status, 409);
});

test('a task that ended, goes on for a message, and loses it again, is as it had ended', async (t) => {
  const s = await set(t);
  endTask(s.log, s.task_id);
  const before = taskOf(s.log, s.task_id);
  const [one, two] = [s.say({ text: 'Go on.' }), s.say({ text: 'And this.' })];
  s.withdraw(one);
  t.is(taskOf(s.log, s.task_id).status, 'queued', 'another message waits');
  s.change(two, { revision: 1, text: 'Only this.' });
  s.withdraw(two);
  const { status, reason, detail, ended_at } = taskOf(s.log, s.task_id);
  t.deepEqual({ status, reason, detail, ended_at }, pick(before));
});

function addMergedPull({ log, task_id }: Awaited<ReturnType<typeof set>>): void {
  const { repo_url, branch } = taskOf(log, task_id);
  const wish = { task_id, repo_url, head_branch: branch, base_branch: 'main' };
  const pull = newPull({ ...wish, head_commit: 'a'.repeat(40), title: 'Mend it', draft: false, author: 'app' }, at);
  log.write(({ db }) => insertPull(db, { ...pull, number: 7, state: 'merged' }));
}

test('the note on a merged pull request that came along with a message goes with it', async (t) => {
  const s = await set(t);
  endTask(s.log, s.task_id);
  const before = taskOf(s.log, s.task_id);
  addMergedPull(s);
  const id = s.say({ text: 'Go on.' });
  t.is(s.waiting().length, 2);
  s.withdraw(id);
  t.deepEqual(pick(taskOf(s.log, s.task_id)), pick(before));
  t.deepEqual(s.waiting(), []);
  s.say({ text: 'Go on after all.' });
  t.regex(
    s
      .waiting()
      .map(({ text }) => text)
      .join('\n'),
    /Pull request #7 .* was merged/,
  );
});

test('a message can be withdrawn although a worker that was lost has read the note that came along with it', async (t) => {
  const s = await set(t);
  endTask(s.log, s.task_id);
  addMergedPull(s);
  const id = s.say({ text: 'Go on.' });
  const note = s.waiting().find(({ text }) => text !== 'Go on.');
  s.log.write(({ db }) => claimMessage(db, note?.id ?? '', at));
  s.withdraw(id);
  t.deepEqual(
    s.waiting().map((message) => message.id),
    [note?.id],
  );
  t.is(taskOf(s.log, s.task_id).status, 'queued', 'it goes on with what was read');
});

test('a message that came too late for the attempt can be withdrawn too: the task is as that attempt ended it', async (t) => {
  const s = await set(t);
  const id = s.say({ text: 'And this.' });
  endTask(s.log, s.task_id);
  t.is(taskOf(s.log, s.task_id).status, 'queued');
  s.withdraw(id);
  t.like(taskOf(s.log, s.task_id), { status: 'succeeded', reason: null, retry_at: null });
  t.truthy(taskOf(s.log, s.task_id).ended_at);
});

test('a message that came too late for the attempt is heard, also if the clock was set back meanwhile', async (t) => {
  const s = await set(t);
  s.log.write(({ db }) => db.prepare(`UPDATE attempts SET started_at = '2099-01-01T00:00:00.000Z'`).run());
  s.say({ text: 'And this.' });
  endTask(s.log, s.task_id);
  t.is(taskOf(s.log, s.task_id).status, 'queued');
});

const pick = ({ status, reason, detail, ended_at }: ReturnType<typeof taskOf>) => ({
  status,
  reason,
  detail,
  ended_at,
});

test('the model and effort of a message are those of the task once the worker has taken it, not before', async (t) => {
  const s = await set(t);
  const models = () =>
    new TaskSettings({
      db: s.log.db,
      keys: readKeys(s.scene.folder),
      config: { git_token: undefined, git_token_users: [], git_host: '' },
      linked: NO_LINKS,
    }).models(s.task_id).models;
  const first = taskOf(s.log, s.task_id).model;
  const id = s.say({ text: 'Think.', model: 'claude-big', effort: 'max' });
  t.like(taskOf(s.log, s.task_id), { model: first });
  await s.taken(id);
  t.like(taskOf(s.log, s.task_id), { model: 'claude-big', effort: 'max', model_used: null });
  t.is(s.types().at(-1), 'task.model');
  t.true(models().includes('claude-big'));
  const gone = s.say({ text: 'No.', model: 'claude-small' });
  s.withdraw(gone);
  await s.taken(gone);
  t.like(taskOf(s.log, s.task_id), { model: 'claude-big' });
});
