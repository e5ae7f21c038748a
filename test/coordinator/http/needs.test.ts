import test, { type ExecutionContext } from 'ava';
import type { NumberedEvent } from '../../../protocol/events.ts';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { listPendingMessages } from '../../../coordinator/sqlite/messages.ts';
import { checkEvents } from '../../../coordinator/worker-api/validate-events.ts';
import { applyEvents } from '../../../coordinator/worker-api/apply-events.ts';
import { startApi } from '../../support/start-api.ts';
import { endTask, runTask, taskOf } from '../../support/fixtures.ts';
import { sendErrand } from '../../support/send-errand.ts';

const at = '2026-01-02T03:04:05.678Z';
const OPTIONS = ['SQLite', 'PostgreSQL', 'none'];

type Question = Extract<NumberedEvent, { type: 'question.asked' }>['body'];

/** A running task, whose worker can ask. */
async function scene(t: ExecutionContext) {
  const server = await startApi(t);
  const person = await server.person();
  const { api } = person;
  const { id } = await sendErrand(api);
  runTask(server.log, id);
  const report = (event: Pick<NumberedEvent, 'type' | 'body'>) =>
    server.log.write((tx) =>
      applyEvents(tx, { task_id: id, attempt: 1 }, checkEvents([{ seq: 1, at, ...event } as NumberedEvent]), at),
    );
  const ask = (body: Partial<Question> = {}) =>
    report({ type: 'question.asked', body: { ref: 'q1', question: 'Which?', options: OPTIONS, ...body } });
  const close = (ref = 'q1', answered = false) => report({ type: 'question.closed', body: { ref, answered } });
  const needs = async () => (await api.call('getTask', { params: { id } })).needs ?? [];
  const first = async () => {
    const [need] = await needs();
    if (!need) throw new Error('Nothing is asked.');
    return { id, need_id: need.id };
  };
  const said = () => listPendingMessages(server.db, id).map(({ text }) => text);
  const told = (type: string) => server.rows.filter((row) => row.type === type).map(({ body }) => JSON.parse(body));
  return { server, person, api, id, ask, close, needs, first, said, told };
}

test('a question is a need with numbered options, in the task, in lists and as an event', async (t) => {
  const { api, ask, needs, told, id } = await scene(t);
  ask();
  const [need] = await needs();
  t.like(need, {
    kind: 'question',
    question: 'Which?',
    multiple: false,
    takes_text: true,
    answer: null,
    closed_at: null,
  });
  t.deepEqual(
    need?.options.map(({ value, label }) => [value, label]),
    [
      ['1', 'SQLite'],
      ['2', 'PostgreSQL'],
      ['3', 'none'],
    ],
  );
  t.deepEqual((await api.call('listTasks', {})).items[0]?.needs, [need]);
  t.deepEqual(told('need.asked'), [{ need }]);
  t.is((await api.call('getTask', { params: { id } })).status, 'waiting');
});

test('an older worker that gives no options is answered with text', async (t) => {
  const { api, ask, first, said } = await scene(t);
  ask({ options: undefined });
  await api.call('answerNeed', { params: await first(), body: { text: 'Use SQLite.' } });
  t.deepEqual(said(), ['Use SQLite.']);
});

for (const [name, multiple, body, message] of [
  ['one option', false, { choose: ['2'] }, 'PostgreSQL'],
  ['own words', false, { text: ' Neither. ' }, 'Neither.'],
  ['an option with words', false, { choose: ['1'], text: 'but keep the JSON' }, 'SQLite\n\nbut keep the JSON'],
  ['several options', true, { choose: ['3', '1'] }, '- SQLite\n- none'],
] as const)
  test(`an answer with ${name} is sent to the worker as a message`, async (t) => {
    const { api, ask, first, said, needs, told } = await scene(t);
    ask({ multiple });
    const need = await api.call('answerNeed', {
      params: await first(),
      body: { ...body, choose: [...('choose' in body ? body.choose : [])] },
    });
    t.deepEqual(said(), [message]);
    t.truthy(need.answer);
    t.deepEqual(await needs(), []);
    t.like(told('need.answered')[0], {
      need_id: need.id,
      answer: need.answer,
      message_id: told('message.received')[0].message_id,
    });
  });

test('an answer that the question does not take is refused, names its field, and leaves it open', async (t) => {
  const { api, ask, first, needs } = await scene(t);
  ask();
  const params = await first();
  for (const [body, field] of [
    [{}, '/choose'],
    [{ choose: [] }, '/choose'],
    [{ choose: ['4'] }, '/choose/0'],
    [{ choose: ['SQLite'] }, '/choose/0'],
    [{ choose: ['1', '2'] }, '/choose'],
    [{ choose: ['1', '1'] }, '/choose'],
    [{ text: '  ' }, '/text'],
    [{ text: 'x'.repeat(LIMITS.text_chars_max + 1) }, '/text'],
    [{ choose: Array(9).fill('1') }, '/choose'],
    [{ choose: ['1'], need: 'x' }, '/need'],
  ] as const) {
    const problem = await api.refused('answerNeed', { params, body });
    t.is(problem.code, 'invalid');
    t.is(problem.errors?.[0]?.field, field, JSON.stringify(body));
  }
  t.is((await needs()).length, 1);
});

test('the first answer counts: a second is told how it was answered, a repeat with its key gets the first answer', async (t) => {
  const { api, ask, first, said, told } = await scene(t);
  ask();
  const params = await first();
  const answer = (key: string, choose: string) =>
    api.send('answerNeed', { params, body: { choose: [choose] }, headers: { 'idempotency-key': key } });
  const answers = await Promise.all([answer('a', '1'), answer('a', '1'), answer('b', '2')]);
  t.deepEqual(
    answers.map(({ status }) => status).sort((a, b) => a - b),
    [200, 200, 409],
  );
  const late = await api.refused('answerNeed', { params, body: { text: 'No.' } });
  t.is(late.code, 'conflict');
  t.regex(late.detail ?? '', /answered already: “SQLite”/);
  t.like(late, { reason: 'already_answered', params: { answer: 'SQLite' } });
  t.deepEqual(said(), ['SQLite']);
  t.is(told('need.answered').length, 1);
});

test('a question that is asked again is the same one, also if the clock was set back since it was asked before', async (t) => {
  const { server, ask, close, needs, told } = await scene(t);
  ask();
  server.db.prepare('UPDATE needs SET id = ?').run(newId(Date.now() + 3600_000));
  close();
  ask();
  t.notThrows(() => ask());
  t.is((await needs()).length, 1);
  t.is(told('need.asked').length, 2);
});

test('a message answers the question that is open', async (t) => {
  const { api, ask, id, needs, first, told } = await scene(t);
  ask();
  const params = await first();
  await api.call('createMessage', { params: { id }, body: { text: 'SQLite it is.' } });
  t.deepEqual(await needs(), []);
  t.like(told('need.answered')[0], { answer: { choose: [], text: 'SQLite it is.' } });
  t.regex((await api.refused('answerNeed', { params, body: { choose: ['1'] } })).detail ?? '', /SQLite it is/);
});

test('an answer is heard while the agent waits for it, whenever its person wanted it to be heard', async (t) => {
  const { server, api, ask, id } = await scene(t);
  ask();
  const { message_id } = await api.call('createMessage', {
    params: { id },
    body: { text: 'SQLite.', hear: 'after_turn' },
  });
  const pending = () => listPendingMessages(server.db, id).map(({ hear }) => hear);
  t.deepEqual(pending(), ['next_call']);
  server.db.prepare('UPDATE attempts SET takes_messages = 1').run();
  const params = { id, message_id };
  await api.call('patchMessage', { params, body: { text: 'SQLite!', hear: 'after_turn', revision: 1 } });
  t.deepEqual(pending(), ['next_call']);
  await api.call('createMessage', { params: { id }, body: { text: 'And test it.', hear: 'after_turn' } });
  t.deepEqual(pending(), ['next_call', 'after_turn']);
});

test('an answer counts once it is given: it cannot be taken back, but changed', async (t) => {
  const { server, api, ask, id, first, said } = await scene(t);
  server.db.prepare('UPDATE attempts SET takes_messages = 1').run();
  const messages = async () => (await api.call('listMessages', { params: { id } })).items;
  ask();
  await api.call('answerNeed', { params: await first(), body: { choose: ['1'] } });
  ask({ ref: 'q2', question: 'And the port?' });
  await api.call('createMessage', { params: { id }, body: { text: '8080' } });
  for (const { id: message_id } of await messages())
    t.regex((await api.refused('deleteMessage', { params: { id, message_id } })).detail ?? '', /answers a question/);
  const [, port] = await messages();
  const params = { id, message_id: port?.id ?? '' };
  await api.call('patchMessage', { params, body: { text: '8787', revision: port?.revision ?? 0 } });
  t.is(said().at(-1), '8787');
});

test('a question that nobody needs any more is withdrawn: closed, replaced by the next, or its task has ended', async (t) => {
  const { server, api, ask, close, id, needs, first, told } = await scene(t);
  ask();
  const params = await first();
  close();
  t.deepEqual(await needs(), []);
  t.regex((await api.refused('answerNeed', { params, body: { choose: ['1'] } })).detail ?? '', /no answer any more/);
  ask({ ref: 'q2', question: 'And now?' });
  ask({ ref: 'q3', question: 'Or this?' });
  t.deepEqual(
    (await needs()).map(({ question }) => question),
    ['Or this?'],
  );
  endTask(server.log, id);
  t.deepEqual(await needs(), []);
  t.is(told('need.closed').length, 3);
});

test('the same question again is the same need, open or answered', async (t) => {
  const { api, ask, needs, first, told } = await scene(t);
  ask();
  ask();
  t.is((await needs()).length, 1);
  await api.call('answerNeed', { params: await first(), body: { choose: ['1'] } });
  ask();
  t.deepEqual(await needs(), []);
  // A worker that counts its questions anew in each attempt asks something else.
  ask({ question: 'And the port?' });
  t.is((await needs()).length, 1);
  t.is(told('need.asked').length, 2);
});

test("nobody answers for somebody else, and not under another task's address", async (t) => {
  const { server, api, ask, first } = await scene(t);
  ask();
  const params = await first();
  const other = await server.person('other@example.org');
  t.is((await other.api.refused('answerNeed', { params, body: { choose: ['1'] } })).code, 'not_found');
  const { id } = await sendErrand(api);
  t.is((await api.refused('answerNeed', { params: { ...params, id }, body: { choose: ['1'] } })).code, 'not_found');
  t.is(taskOf(server.log, params.id).status, 'waiting');
});
