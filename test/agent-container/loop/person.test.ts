import test from 'ava';
import { bench } from '../../support/agent-work.ts';
import { DONE, lastUser, run, textOf } from '../../support/agent-script.ts';
import { until } from '../../support/until.ts';

test('adds messages of people before the next request, and before it ends', async (t) => {
  const b = await bench(t, {
    script: [
      () => {
        b.messages.say('In French, please.');
        return { tools: [run('true')] };
      },
      () => {
        b.messages.say('And a test.');
        return DONE;
      },
      DONE,
    ],
  });
  t.is((await b.run()).status, 'succeeded');
  const second = lastUser(b.model.requests[1]?.body);
  t.deepEqual(
    second.map(({ type }) => type),
    ['tool_result', 'text'],
  );
  t.regex(textOf(b.model.requests[1]?.body), /In French/);
  t.regex(textOf(b.model.requests[2]?.body), /And a test/);
  t.deepEqual(
    b.of('input.added').map(({ turn, source, text }) => [turn, source, text]),
    [
      [1, 'person', 'In French, please.'],
      [2, 'person', 'And a test.'],
    ],
  );
});

test('asks the person, and continues with the answer', async (t) => {
  const b = await bench(t, {
    script: [{ tools: [{ name: 'ask_person', input: { question: 'Tabs or spaces?' } }] }, DONE],
  });
  const ending = b.run();
  await b.event('question.asked');
  const { id } = b.messages.say('Tabs.');
  t.is((await ending).status, 'succeeded');
  t.deepEqual(
    b.of('question.closed').map(({ answered }) => answered),
    [true],
  );
  t.is(b.of('input.added')[0]?.message_id, id);
  t.true(b.waits.some((wait) => wait?.kind === 'person' && wait.question === 'Tabs or spaces?'));
  t.regex(textOf(b.model.requests[1]?.body), /Tabs\./);
});

test('only the question that a person has seen is answered by their message', async (t) => {
  const ask = (question: string) => ({ name: 'ask_person', input: { question } });
  const b = await bench(t, {
    script: [
      { tools: [ask('Which database?'), ask('May I drop the old table?')] },
      () => {
        b.messages.say('By the way, use tabs.');
        return { tools: [ask('May I drop the old table?')] };
      },
      DONE,
    ],
  });
  const ending = b.run();
  await b.event('question.asked');
  b.messages.say('Postgres');
  t.is((await ending).status, 'succeeded');
  t.deepEqual(
    b.of('question.asked').map(({ question }) => question),
    ['Which database?'],
  );
  t.deepEqual(
    b.of('tool.finished').map(({ is_error }) => is_error),
    [false, true, true],
  );
  t.regex(textOf(b.model.requests[1]?.body), /the person has written.*Postgres/);
});

test('continues without an answer once the time for the question is up', async (t) => {
  const b = await bench(t, { script: [{ tools: [{ name: 'ask_person', input: { question: 'Well?' } }] }, DONE] });
  // A question may take half of the remaining time.
  t.is((await b.run({ time_limit_ms: 6_000 })).status, 'succeeded');
  t.deepEqual(
    b.of('question.closed').map(({ answered }) => answered),
    [false],
  );
  t.regex(textOf(b.model.requests[1]?.body), /own judgement/);
});

test('a long wait for an answer keeps the conversation in the cache for an hour, with one request', async (t) => {
  const ask = { name: 'ask_person', input: { question: 'Tabs or spaces?' } };
  const b = await bench(t, { script: [{ thinking: 'Hm.', tools: [run('echo one'), ask, run('echo two')] }, DONE] });
  const ending = b.run({}, { keep_cache_ms: 1 });
  const { body } = await b.model.request(1);
  t.is(body?.max_tokens, 0);
  // The newest answer is marked: what follows it is not known before the person has answered.
  const marks = body?.messages.flatMap(({ role, content }) =>
    content.flatMap((block) =>
      'cache_control' in block && block.cache_control ? [[role, block.cache_control.ttl]] : [],
    ),
  );
  t.deepEqual(marks, [['assistant', '1h']]);
  b.messages.say('Tabs.');
  t.is((await ending).status, 'succeeded');
  t.is(b.model.requests.length, 3);
  const after = b.of('turn.finished')[1]?.usage;
  t.true((after?.cache_write_tokens ?? 1e9) + (after?.input_tokens ?? 1e9) < 300);
});

test('a short wait for an answer makes no request, and a refused one does no harm', async (t) => {
  const ask = { tools: [{ name: 'ask_person', input: { question: 'Tabs or spaces?' } }] };
  const b = await bench(t, { script: [ask, DONE] });
  const ending = b.run();
  await b.event('question.asked');
  b.messages.say('Tabs.');
  t.is((await ending).status, 'succeeded');
  t.is(b.model.requests.length, 2);
  const c = await bench(t, { script: [ask, DONE] });
  const refused = c.run({}, { keep_cache_ms: 1_000 });
  await c.event('question.asked');
  c.model.fail({
    fault: 'status',
    status: 400,
    type: 'invalid_request_error',
    message: 'max_tokens: must be positive',
  });
  await c.model.request(1);
  c.messages.say('Tabs.');
  const end = await refused;
  t.is(end.status, 'succeeded', end.detail ?? '');
});

const OPTIONS = ['SQLite', 'PostgreSQL'];

test('a question has the options of the agent, and none that it did not give', async (t) => {
  const ask = (input: object) => ({ tools: [{ name: 'ask_person', input: { question: 'Which?', ...input } }] });
  const b = await bench(t, {
    script: [ask({ options: OPTIONS, multiple: true }), ask({ options: OPTIONS }), ask({}), DONE],
  });
  const ending = b.run();
  for (const n of [1, 2, 3]) {
    await b.event('question.asked', () => b.of('question.asked').length === n);
    b.messages.say('SQLite');
  }
  t.is((await ending).status, 'succeeded');
  const bodies = b.of('question.asked').map(({ ref: _ref, until: _until, ...body }) => body);
  t.deepEqual(bodies, [
    { question: 'Which?', options: OPTIONS, multiple: true },
    { question: 'Which?', options: OPTIONS },
    { question: 'Which?' },
  ]);
});

test('options out of bounds are a failed call that the model can correct', async (t) => {
  const many = Array.from({ length: 9 }, (_, i) => `option ${i}`);
  for (const options of [many, ['one'], ['one', 'x'.repeat(201)], ['one', ' '], 'one']) {
    const b = await bench(t, {
      script: [{ tools: [{ name: 'ask_person', input: { question: '?', options } }] }, DONE],
    });
    t.is((await b.run()).status, 'succeeded');
    t.is(b.of('question.asked').length, 0);
    t.true(b.of('tool.finished')[0]?.is_error);
  }
});

test('a question without an answer parks the work, and the answer continues it in the next attempt', async (t) => {
  const ask = { name: 'ask_person', input: { question: 'Which?', options: OPTIONS } };
  const b = await bench(t, { script: [{ tools: [run('echo one'), ask, run('echo two')] }, DONE] });
  const parked = await b.run({ park_after_ms: 1 });
  t.like(parked, { status: 'parked', reason: null, detail: null });
  t.is(b.of('question.asked')[0]?.until, undefined);
  t.deepEqual(b.of('question.closed'), []);
  b.messages.say('SQLite');
  t.is((await b.run({ park_after_ms: 60_000 })).status, 'succeeded');
  t.deepEqual(
    b.of('question.closed').map(({ answered }) => answered),
    [true],
  );
  // What ran before the question does not run again; what came after it did not know of the answer.
  t.deepEqual(
    b.of('tool.finished').map(({ name, is_error }) => [name, is_error]),
    [
      ['run_command', false],
      ['ask_person', false],
      ['run_command', true],
    ],
  );
  t.is(b.model.requests.length, 2);
  t.regex(textOf(b.model.requests[1]?.body), /SQLite/);
});

test('a question gets half of the time that is left when it is asked, so that it parks the work in time', async (t) => {
  const ask = { name: 'ask_person', input: { question: 'Which?' } };
  const b = await bench(t, { script: [{ tools: [run('sleep 7'), ask] }] });
  t.is((await b.run({ park_after_ms: 3_600_000, time_limit_ms: 13_000 })).status, 'parked');
});

test('parked work that is resumed without an answer asks the same again, and parks again', async (t) => {
  const b = await bench(t, { script: [{ tools: [{ name: 'ask_person', input: { question: 'Which?' } }] }, DONE] });
  for (const n of [1, 2]) {
    t.is((await b.run({ park_after_ms: 1 })).status, 'parked');
    t.is(b.of('question.asked').length, n);
  }
  t.is(new Set(b.of('question.asked').map(({ ref }) => ref)).size, 1);
  t.is(b.model.requests.length, 1);
});

test('a note of the server does not answer the question of the model', async (t) => {
  const b = await bench(t, {
    script: [{ tools: [{ name: 'ask_person', input: { question: 'Tabs or spaces?' } }] }, DONE],
  });
  const ending = b.run();
  await until('it asks', () => b.of('question.asked').length > 0);
  b.messages.say('[Errand] a.test may be reached now.');
  await until('the note is taken', () => b.messages.has_taken);
  t.deepEqual(b.of('question.closed'), []);
  b.messages.say('Tabs.');
  t.is((await ending).status, 'succeeded');
  t.deepEqual(
    b.of('question.closed').map(({ answered }) => answered),
    [true],
  );
  t.regex(textOf(b.model.requests[1]?.body), /may be reached now[\s\S]*Tabs\./);
});
