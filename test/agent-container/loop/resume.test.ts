import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { bench, transcriptOf } from '../../support/agent-work.ts';
import type { MessagesRequest, Turn } from '../../support/model/server.ts';

const call = (name: string, input: Record<string, unknown>) => ({ name, input });

/** The response of the model, by how many responses are in the conversation already. */
const STORY: Turn[] = [
  {
    thinking: 'Where is it?',
    tools: [call('read_file', { path: 'a' }), call('list_files', {}), call('search', { pattern: 'A' })],
  },
  { text: 'I plan.', tools: [call('update_plan', { items: [{ text: 'Mend', status: 'in_progress' }] })] },
  {
    thinking: 'I write.',
    tools: [call('write_file', { path: 'b', content: 'B\n' }), call('run_command', { command: 'cat b' })],
  },
  { text: 'So', stop_reason: 'max_tokens' },
  { thinking: 'Done, I think.', text: 'Mend it\n\nDone.' },
  { thinking: 'Not yet.', tools: [call('run_command', { command: 'touch good' })] },
  { text: 'Mend it\n\nDone now.' },
];
const answered = ({ messages }: MessagesRequest) => messages.filter(({ role }) => role === 'assistant').length;

test('the next attempt continues from any event at which the previous one was lost', async (t) => {
  const verify_command = 'test -e good';
  const b = await bench(t, { handler: (request) => STORY[answered(request)] ?? { text: 'Done already.' } });
  await writeFile(join(b.repo_dir, 'a'), 'A\n');
  b.messages.say('Be quick.');
  t.is((await b.run({ verify_command })).status, 'succeeded');
  const whole = [...b.events];
  const sent = b.model.requests.length;
  t.is(sent, STORY.length);

  for (let at = 1; at <= whole.length; at++) {
    const before = whole.slice(0, at);
    const transcript = transcriptOf(before);
    const turns = transcript.filter(({ type }) => type === 'turn.finished').length;
    const from = [b.events.length, b.model.requests.length] as const;
    const end = await b.run({ verify_command, transcript, attempt: 2 });
    const events = b.events.slice(from[0]);
    const requests = b.model.requests.slice(from[1]);
    const where = `after event ${at}, ${whole[at - 1]?.type}`;
    t.is(end.status, 'succeeded', where);
    // The API would refuse a prefix that differs by one byte, because its signatures would not match.
    t.false(
      events.some(({ type }) => type === 'turn.retried'),
      where,
    );
    t.is(events.filter(({ type }) => type === 'conversation.started').length, transcript.length === 0 ? 1 : 0, where);
    // No turn is paid for twice: a response is lost only together with its event.
    t.true(requests.length <= STORY.length - turns, where);
    const [first] = requests;
    const usage = events.find((event) => event.type === 'turn.finished')?.body;
    if (first && usage && 'usage' in usage && turns > 0) t.true(usage.usage.cache_read_tokens > 1000, where);
  }
});

test('a call that had begun is answered as interrupted; if none of its turn had begun, all are run', async (t) => {
  const two = [call('run_command', { command: 'echo one' }), call('run_command', { command: 'echo two' })];
  const b = await bench(t, { handler: (request) => [{ tools: two }, { text: 'Done.' }][answered(request)] ?? {} });
  await b.run();
  const turn = b.events.findIndex(({ type }) => type === 'turn.finished');
  const results = async (upto: number) => {
    const from = b.events.length;
    await b.run({ transcript: transcriptOf(b.events.slice(0, upto)), attempt: 2 });
    const finished = b.events.slice(from).flatMap((event) => (event.type === 'tool.finished' ? [event.body] : []));
    return finished.map(({ content, is_error }) => `${is_error} ${String(content[0]?.['text'])}`);
  };
  const none_began = await results(turn + 1);
  t.regex(none_began[0] ?? '', /^false one/);
  t.regex(none_began[1] ?? '', /^false two/);
  const one_began = await results(turn + 2);
  t.regex(one_began[0] ?? '', /^true Interrupted: the worker died/);
  t.regex(one_began[1] ?? '', /^true Not executed/);
  const one_ended = await results(turn + 3);
  t.is(one_ended.length, 1);
  t.regex(one_ended[0] ?? '', /^true Not executed/);
});

test('an open question is asked again as the same one, and its answer goes to the next attempt', async (t) => {
  const ask = [call('ask_person', { question: 'Well?' })];
  const b = await bench(t, { handler: (request) => [{ tools: ask }, { text: 'Done.' }][answered(request)] ?? {} });
  const first = b.run();
  await b.event('question.asked');
  b.abort.abort();
  t.is((await first).status, 'cancelled');
  b.abort = new AbortController();
  b.messages.say('Well.');
  t.is((await b.run()).status, 'succeeded');
  t.deepEqual(
    b.of('question.asked').map(({ ref, question }) => [ref, question]),
    [1, 2].map(() => [b.of('question.asked')[0]?.ref, 'Well?']),
  );
  t.deepEqual(
    b.of('question.closed').map(({ answered }) => answered),
    [true],
  );
  t.is(b.model.requests.length, 2);
});

test('a message continues a task that has ended, and none is added twice', async (t) => {
  const b = await bench(t, { handler: (request) => ({ text: `Done ${answered(request)}.` }) });
  b.messages.say('First this.');
  await b.run();
  // It was not acknowledged when the worker died.
  b.messages.comeAgain();
  b.messages.say('Now the rest.');
  const end = await b.run();
  t.is(end.summary, 'Done 1.');
  t.deepEqual(
    b.of('input.added').flatMap(({ source, text }) => (source === 'person' ? [text] : [])),
    ['First this.', 'Now the rest.'],
  );
});

test('a turn with many tools is still served from the cache', async (t) => {
  const many = Array.from({ length: 15 }, (_, i) => call('read_file', { path: `f${i}` }));
  const b = await bench(t, { handler: (request) => [{ tools: many }, { text: 'Done.' }][answered(request)] ?? {} });
  await b.run();
  const [first, second] = b.of('turn.finished').map(({ usage }) => usage);
  const whole = (first?.cache_write_tokens ?? 0) + (first?.input_tokens ?? 0);
  t.is(second?.cache_read_tokens, whole);
  // They run in parallel, eight at a time.
  const tools = b.events.map(({ type }) => type).filter((type) => type.startsWith('tool.'));
  t.is(tools.indexOf('tool.finished'), 8);
});
