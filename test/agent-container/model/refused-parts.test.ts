import test from 'ava';
import type { ModelMessage } from '../../../agent-container/model/message.ts';
import { refusalIn, type Refusal } from '../../../agent-container/model/refusal.ts';
import { RefusedParts } from '../../../agent-container/model/refused-parts.ts';

const image = (data: string) => ({ type: 'image', source: { type: 'base64', media_type: 'image/png', data } });
const pdf = (data: string) => ({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } });
const thought = (thinking: string) => ({ type: 'thinking', thinking, signature: 's' });
const use = (id: string) => ({ type: 'tool_use', id, name: 'read_file', input: {} });
const result = (id: string, ...content: object[]) => ({ type: 'tool_result', tool_use_id: id, content });

const MESSAGES: ModelMessage[] = [
  { role: 'user', content: [{ type: 'text', text: 'Look.' }, pdf('PPPP')] },
  { role: 'assistant', content: [thought('one'), use('a'), use('b'), thought('and')] },
  { role: 'user', content: [result('a', image('AAAA')), result('b', image('BBBB'), pdf('DDDD'))] },
  { role: 'assistant', content: [thought('two'), use('c')] },
  { role: 'user', content: [result('c', image('CCCC')), pdf('EEEE'), image('FFFF')] },
];
const MARKS = 'PPPP one "a" AAAA "b" BBBB DDDD two "c" CCCC EEEE FFFF'.split(' ');

/** What the API's text refuses of a conversation. */
function refused(text: string): Refusal {
  const refusal = refusalIn(text);
  if (refusal === null) throw new Error(`No refusal of a conversation: ${text}`);
  return refusal;
}

/** Which marks of the conversation are not sent any more, after each of these texts. */
function lostAfter(...texts: string[]): string[] {
  const parts = new RefusedParts();
  return texts.map((text) => {
    if (!parts.add(refused(text), MESSAGES, true)) return 'nothing is left to change';
    const sent = JSON.stringify(parts.apply(MESSAGES));
    return MARKS.filter((mark) => !sent.includes(mark)).join(' ');
  });
}

const inResult = (message: number, block: number, inner: number, rest: string) =>
  `messages.${message}.content.${block}.tool_result.content.${inner}.${rest}`;
const NOT_VALID = 'pdf.source.base64.data: The PDF specified was not valid.';
const TOO_LARGE = 'image.source.base64: image exceeds 5 MB maximum';

test('the block that a text names is left out, and nothing beside it', (t) => {
  t.deepEqual(lostAfter(`messages.0.content.1.${NOT_VALID}`), ['PPPP']);
  t.deepEqual(lostAfter(inResult(2, 1, 1, NOT_VALID)), ['DDDD']);
  t.deepEqual(lostAfter(inResult(2, 1, 0, TOO_LARGE)), ['BBBB']);
  t.deepEqual(lostAfter(`messages.4.content.1.${NOT_VALID}`, `messages.4.content.2.${TOO_LARGE}`), [
    'EEEE',
    'EEEE FFFF',
  ]);
  t.deepEqual(lostAfter('messages.4.content.1: Input should be a valid dictionary'), ['EEEE'], 'it names no kind');
  t.deepEqual(lostAfter('messages.2.content.1: Could not process PDF'), ['DDDD'], 'it names the result around it');
  t.deepEqual(lostAfter('messages.4: Could not process PDF'), ['EEEE'], 'it names the message around it');
});

test('where the text names no place, the newest message loses that kind, and then all do', (t) => {
  const unplaced = 'Could not process PDF';
  t.deepEqual(lostAfter(unplaced, unplaced), ['EEEE', 'PPPP DDDD EEEE']);
  t.deepEqual(lostAfter('Could not process image', 'Could not process image'), ['CCCC FFFF', 'AAAA BBBB CCCC FFFF']);
  t.deepEqual(lostAfter('Invalid `signature` in `thinking` block'), ['one two']);
});

test('where the block that was named was not it, more goes, and in the end the answer', (t) => {
  const text = `messages.2.content.1.tool_result.content.0.${TOO_LARGE}`;
  t.deepEqual(lostAfter(text, text, text, text), [
    'BBBB',
    'AAAA BBBB',
    'AAAA BBBB CCCC FFFF',
    'one "a" AAAA "b" BBBB CCCC FFFF',
  ]);
});

test('thinking is left out of a whole answer, and then of all', (t) => {
  const text = 'messages.3.content.0: Invalid `signature` in `thinking` block';
  t.deepEqual(lostAfter(text, text), ['two', 'one two']);
  const changed = 'messages.1.content.0: `thinking` blocks in the latest assistant message cannot be modified';
  t.deepEqual(lostAfter(changed), ['one']);
  const parts = new RefusedParts();
  parts.add(refused(changed), MESSAGES, true);
  t.deepEqual(parts.apply(MESSAGES)[1]?.content, [use('a'), use('b')]);
});

test('a refused answer is left out, and the results of its calls stay as text', (t) => {
  t.deepEqual(lostAfter('messages.3.content.1.tool_use.name: String should match pattern'), ['two "c"']);
  t.deepEqual(lostAfter('messages.4.content.0: unexpected `tool_use_id` found'), ['two "c"'], 'its results were named');
  t.deepEqual(lostAfter('messages: text content blocks must be non-empty'), ['two "c"'], 'the newest one');
  t.deepEqual(lostAfter('messages.3.content.1: document index out of range'), ['two "c"'], 'it has no document');
});

test('a document of an answer that was left out is found at its new place', (t) => {
  const parts = new RefusedParts();
  t.true(parts.add(refused('messages.1: no'), MESSAGES, true));
  const at = parts.apply(MESSAGES)[2]?.content.findIndex(({ type }) => type === 'document');
  t.true(parts.add(refused(`messages.2.content.${at}.${NOT_VALID}`), MESSAGES, true));
  const sent = JSON.stringify(parts.apply(MESSAGES));
  t.deepEqual(
    MARKS.filter((mark) => !sent.includes(mark)),
    ['one', '"a"', '"b"', 'DDDD'],
  );
});

test('what cannot be changed costs a few answers at most, and none where there must be no guess', (t) => {
  const text = 'messages.0.content.0.text: this is no text';
  t.deepEqual(lostAfter(text, text, text), ['two "c"', 'one "a" "b" two "c"', 'nothing is left to change']);
  t.false(new RefusedParts().add(refused(text), MESSAGES, false));
  const many = Array.from({ length: 20 }, (_, i): ModelMessage => ({
    role: i % 2 ? 'assistant' : 'user',
    content: [{ type: 'text', text: `${i}` }],
  }));
  const parts = new RefusedParts();
  t.is(Array.from({ length: 9 }, () => parts.add(refused(text), many, true)).filter(Boolean).length, 5);
});

const SUMMARY: ModelMessage = {
  role: 'assistant',
  content: [{ type: 'compaction', content: 'So far.', signature: 's' }],
};
const SAID = { role: 'user', content: [{ type: 'text', text: 'The conversation so far:\n\nSo far.' }] };

for (const text of [
  'messages.0.content.0: Invalid `signature` in `compaction` block',
  'messages.0.content.0.compaction.signature: Field required',
  'messages.0: a signed `compaction` block must come first',
  'Invalid `signature` in `compaction` block',
])
  test(`a refused summary is said by the user: ${text}`, (t) => {
    const parts = new RefusedParts();
    const messages = [SUMMARY, ...MESSAGES.slice(3)];
    t.true(parts.add(refused(text), messages, false));
    t.deepEqual(parts.apply(messages), [SAID, ...MESSAGES.slice(3)]);
  });

test('what was left out stays so where a summary has moved it', (t) => {
  const parts = new RefusedParts();
  parts.add(refused('messages.3: no'), MESSAGES, true);
  parts.add(refused(`messages.4.content.2.${NOT_VALID}`), MESSAGES, true);
  const sent = JSON.stringify(parts.apply([SUMMARY, ...MESSAGES.slice(3)]));
  t.deepEqual([sent.includes('"c"'), sent.includes('EEEE'), sent.includes('FFFF')], [false, false, true]);
});

for (const text of [
  'tools: wrong',
  'tools.0.custom.input_schema: images are not allowed',
  'thinking.type: "enabled" is not supported. Send no thinking blocks',
  'adaptive thinking is not supported for claude-haiku-4-5',
  'compaction is not supported for claude-haiku-4-5',
  'compaction: cannot be combined with context_management',
  'Your credit balance is too low to access the Claude API.',
  'max_tokens: 200000 > 128000',
])
  test(`no part of the conversation is refused by: ${text}`, (t) => {
    t.is(refusalIn(text), null);
  });
