import test from 'ava';
import { bench, transcriptOf, type Bench } from '../../support/agent-work.ts';
import type { MessagesRequest, Turn } from '../../support/model/server.ts';
import { Random } from '../../support/random.ts';

/*
 * Answers that the API refuses as a part of a history. The model server checks every request as the API does, so an
 * errand that succeeds without a retry has sent none of them back.
 */

const call = (more: object = {}) => ({ type: 'tool_use', id: 'toolu_1', name: 'list_files', input: {}, ...more });
const text = (value: unknown) => ({ type: 'text', text: value });
const nested = (levels: number): unknown => (levels === 0 ? 1 : { a: nested(levels - 1) });

const BAD: Record<string, { blocks: unknown[]; stop_reason?: string }> = {
  'a blank text beside a call': { blocks: [text('\n\n'), call()] },
  'an empty text beside a call': { blocks: [text(''), call()] },
  'a text that is no string': { blocks: [text(null), text(7), call()] },
  'only blank text': { blocks: [text(' '), text('\u00a0')] },
  'no block': { blocks: [] },
  'thinking without a signature': { blocks: [{ type: 'thinking', thinking: 'Hm', signature: '' }, call()] },
  'only thinking': { blocks: [{ type: 'thinking', thinking: 'Hm', signature: '' }] },
  'redacted thinking without data': { blocks: [{ type: 'redacted_thinking', data: '' }, call()] },
  'a call without an id': { blocks: [call({ id: '' })] },
  'a call with a bad id': { blocks: [call({ id: 'a b/ç' })] },
  'a call with a long id': { blocks: [call({ id: 'x'.repeat(300) })] },
  'two calls with one id': { blocks: [call(), call()] },
  'a call without a name': { blocks: [call({ name: '' })] },
  'a call with a bad name': { blocks: [call({ name: 'read file!' })] },
  'a call with a long name': { blocks: [call({ name: 'read'.repeat(60) })] },
  'a call of no tool': { blocks: [call({ name: 'fly' })] },
  'an input that is an array': { blocks: [call({ input: [1, 2] })] },
  'an input that is a string': { blocks: [call({ input: 'src' })] },
  'an input that is null': { blocks: [call({ input: null })] },
  'an input with half a character': { blocks: [call({ input: { path: 'a\ud800' } })] },
  'an input with a key of half a character': { blocks: [call({ input: { '\udc00': 1 } })] },
  'an input nested deeply': { blocks: [call({ input: { a: nested(150) } })] },
  'half a character in a text': { blocks: [text('a\ud83d'), call()] },
  'a text with an unknown field': { blocks: [{ ...text('So'), mood: 'good' }, call()] },
  'a text with citations': { blocks: [{ ...text('So'), citations: [{ type: 'x', file_id: 'f' }] }, call()] },
  'a call with a caller of an unknown form': { blocks: [call({ caller: { type: 'direct', at: 1 } })] },
  'a text of control characters': { blocks: [text('\u001f\u0085'), call()] },
  'a server tool': { blocks: [{ type: 'server_tool_use', id: 'srvtoolu_1', name: 'web_search', input: {} }, call()] },
  'a block of an unknown type': { blocks: [{ type: 'hologram', data: 'x' }, call()] },
  'only a block of an unknown type': { blocks: [{ type: 'hologram', data: 'x' }] },
  'an unknown stop reason, with a call': { blocks: [text('So'), call()], stop_reason: 'moon_phase' },
  'an unknown stop reason, without a call': { blocks: [text('So')], stop_reason: 'moon_phase' },
  'a stop for tools without a call': { blocks: [text('So')], stop_reason: 'tool_use' },
  'the end of the turn, with a call': { blocks: [text('Done.'), call()], stop_reason: 'end_turn' },
};

const raw = ({ blocks, stop_reason }: { blocks: unknown[]; stop_reason?: string }): Turn => ({
  raw: {
    blocks,
    stop_reason:
      stop_reason ?? (blocks.some((block) => JSON.stringify(block).includes('"input"')) ? 'tool_use' : 'end_turn'),
  },
});
/** The answers that the conversation must end with: a call, so that a turn follows the bad one, and the end. */
const GOOD: Turn[] = [{ tools: [{ name: 'list_files', input: {} }] }, { text: 'Mend it\n\nDone.' }];

for (const [what, answer] of Object.entries(BAD))
  test(`an answer with ${what} does not end the errand, nor its next attempt`, async (t) => {
    const turns = [raw(answer), ...GOOD];
    let asked = 0;
    const b = await bench(t, { handler: () => turns[Math.min(asked++, turns.length - 1)] ?? {} });
    t.like(await b.run(), { status: 'succeeded', reason: null });
    t.deepEqual(refusals(b), []);
    // What the next attempt sends is what this one would have sent, and the API takes it.
    const last = b.model.requests.at(-1)?.body?.messages ?? [];
    b.messages.say('Go on.');
    t.is((await b.run()).status, 'succeeded');
    t.deepEqual(refusals(b), []);
    t.deepEqual(bare(b.model.requests.at(-1)?.body?.messages.slice(0, last.length)), bare(last));
  });

test('whatever blocks an answer has, the next request and the next attempt are accepted', async (t) => {
  const random = new Random(7);
  const pool = Object.values(BAD).flatMap(({ blocks }) => blocks);
  const reasons = ['tool_use', 'end_turn', 'max_tokens', 'pause_turn', 'stop_sequence', 'moon_phase'];
  for (let round = 0; round < 60; round++) {
    const bad = Array.from({ length: 2 }, () => ({
      raw: {
        blocks: Array.from({ length: random.whole(0, 5) }, () => random.pick(pool)),
        stop_reason: random.pick(reasons),
      },
    }));
    const turns: Turn[] = [...bad, ...GOOD];
    let asked = 0;
    const b = await bench(t, { handler: () => turns[Math.min(asked++, turns.length - 1)] ?? {} });
    const first = await b.run();
    b.messages.say('Go on.');
    const second = await b.run();
    const where = JSON.stringify(bad);
    t.deepEqual([first.status, second.status], ['succeeded', 'succeeded'], where);
    t.deepEqual(refusals(b), [], where);
  }
});

test('a history that an older version stored with a bad answer is sent in a valid form', async (t) => {
  const b = await bench(t, {
    handler: ({ messages }) => (answers(messages) > 0 ? { text: 'Done.' } : { text: 'First.' }),
  });
  await b.run();
  const stored = transcriptOf(b.events).map((event) =>
    event.type === 'turn.finished'
      ? {
          ...event,
          body: {
            ...event.body,
            stop_reason: 'tool_use',
            content: [text('\n'), call({ name: '' }), call({ input: [] })],
          },
        }
      : event,
  );
  t.is((await b.run({ transcript: stored, attempt: 2 })).status, 'succeeded');
  t.deepEqual(refusals(b), []);
});

const answers = (messages: MessagesRequest['messages']) => messages.filter(({ role }) => role === 'assistant').length;
const refusal = (message: string) =>
  ({ fault: 'status', status: 400, type: 'invalid_request_error', message }) as const;
const hasPoison = ({ messages }: MessagesRequest) =>
  messages.findIndex(({ content }) => JSON.stringify(content).includes('POISON'));

test('an answer that the API refuses by its place is left out once, and the errand goes on', async (t) => {
  const b = await bench(t, {
    handler: (request) => {
      const at = hasPoison(request);
      if (at !== -1) return refusal(`messages.${at}.content.0: this is poison`);
      return request.messages.length === 1 ? { text: 'POISON', tools: GOOD[0]?.tools ?? [] } : { text: 'Done.' };
    },
  });
  t.is((await b.run()).status, 'succeeded');
  t.is(refusals(b).length, 1);
  b.messages.say('Go on.');
  t.is((await b.run()).status, 'succeeded', 'the next attempt leaves it out, too');
});

test('a refusal that names no message leaves out the newest answer', async (t) => {
  const b = await bench(t, {
    handler: (request) => {
      if (hasPoison(request) !== -1) return refusal('messages: text content blocks must be in verse');
      return request.messages.length === 1 ? { text: 'POISON', tools: GOOD[0]?.tools ?? [] } : { text: 'Done.' };
    },
  });
  t.is((await b.run()).status, 'succeeded');
  t.is(refusals(b).length, 1);
});

test('a refusal that stays whatever is left out ends the attempt, after a few tries', async (t) => {
  const b = await bench(t, {
    handler: ({ messages }) =>
      messages.length === 1 ? { tools: GOOD[0]?.tools ?? [] } : refusal('messages: nothing pleases'),
  });
  t.is((await b.run()).reason, 'model_rejected');
  t.true(b.model.requests.length <= 7);
});

test('an answer that is too long for its event is not executed, and the next attempt sends the same', async (t) => {
  const content = '\n'.repeat(700_000);
  const turns: Turn[] = [{ tools: [{ name: 'write_file', input: { path: 'a', content } }] }, { text: 'Done.' }];
  let asked = 0;
  const b = await bench(t, { handler: () => turns[Math.min(asked++, 1)] ?? {}, piece_chars: 100_000 });
  t.is((await b.run()).status, 'succeeded');
  t.deepEqual(b.of('tool.started'), []);
  const last = b.model.requests.at(-1)?.body?.messages ?? [];
  b.messages.say('Go on.');
  t.is((await b.run()).status, 'succeeded');
  t.deepEqual(bare(b.model.requests.at(-1)?.body?.messages.slice(0, last.length)), bare(last));
});

/** The requests that the API refused. */
const refusals = (b: Bench) => b.of('turn.retried').filter(({ reason }) => reason.includes(' 400'));

/** Without cache marks, which move. */
const bare = (messages: unknown): unknown =>
  JSON.parse(JSON.stringify(messages, (key, value: unknown) => (key === 'cache_control' ? undefined : value)));

test('a call of a tool that does not exist is answered as an error, and the next request has the same tools', async (t) => {
  const b = await bench(t, { script: [{ tools: [{ name: 'fly', input: { to: 'the moon' } }] }, { text: 'Done.' }] });
  t.is((await b.run()).status, 'succeeded');
  t.like(b.of('tool.finished')[0], { name: 'fly', is_error: true });
  const [first, second] = b.model.requests;
  t.deepEqual(second?.body?.tools, first?.body?.tools);
  t.true((b.of('turn.finished')[1]?.usage.cache_read_tokens ?? 0) > 0);
});
