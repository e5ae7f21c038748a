import test from 'ava';
import type { ModelMessage } from '../../../agent-container/model/message.ts';
import { RefusedParts, type RefusedPart } from '../../../agent-container/model/refused-parts.ts';

const image = (data: string) => ({ type: 'image', source: { type: 'base64', media_type: 'image/png', data } });
const thought = (thinking: string) => ({ type: 'thinking', thinking, signature: 's' });
const use = (id: string) => ({ type: 'tool_use', id, name: 'read_file', input: {} });
const result = (id: string, data: string) => ({ type: 'tool_result', tool_use_id: id, content: [image(data)] });

const MESSAGES: ModelMessage[] = [
  { role: 'user', content: [{ type: 'text', text: 'Look.' }] },
  { role: 'assistant', content: [thought('one'), use('a'), use('b')] },
  { role: 'user', content: [result('a', 'AAAA'), result('b', 'BBBB')] },
  { role: 'assistant', content: [thought('two'), use('c')] },
  { role: 'user', content: [result('c', 'CCCC')] },
];

/** What is left of the marks in the conversation after these refusals. */
function leftAfter(...refusals: [RefusedPart, number | null, number | null][]): string {
  const parts = new RefusedParts();
  for (const [part, message, block] of refusals)
    if (!parts.add(part, MESSAGES, { message, block })) return 'nothing is left to change';
  const text = JSON.stringify(parts.apply(MESSAGES));
  return ['one', 'two', 'AAAA', 'BBBB', 'CCCC', '"a"', '"c"'].filter((mark) => text.includes(mark)).join(' ');
}

const ALL = 'one two AAAA BBBB CCCC "a" "c"';

test('a refused image is left out alone; only if that does not help others are too', (t) => {
  t.is(leftAfter(), ALL);
  t.is(leftAfter(['image', 2, 1]), 'one two AAAA CCCC "a" "c"');
  t.is(leftAfter(['image', 2, 1], ['image', 2, 0]), 'one two CCCC "a" "c"');
  t.is(leftAfter(['image', 2, 1], ['image', 2, 1]), 'one two CCCC "a" "c"');
  t.is(leftAfter(['image', 2, 1], ['image', 2, 1], ['image', 2, 1]), 'one two "a" "c"');
});

test('where the API names no message, the newest images are left out first', (t) => {
  t.is(leftAfter(['image', null, null]), 'one two AAAA BBBB "a" "c"');
  t.is(leftAfter(['image', null, null], ['image', null, null]), 'one two "a" "c"');
  t.is(
    leftAfter(...Array.from({ length: 4 }, (): [RefusedPart, null, null] => ['image', null, null])),
    'nothing is left to change',
  );
});

test('refused thinking is left out of its message; only if that does not help of all', (t) => {
  t.is(leftAfter(['thinking', 3, 0]), 'one AAAA BBBB CCCC "a" "c"');
  t.is(leftAfter(['thinking', 3, 0], ['thinking', 3, 0]), 'AAAA BBBB CCCC "a" "c"');
  t.is(leftAfter(['thinking', null, null], ['thinking', null, null]), 'nothing is left to change');
});

test('a refused answer is left out, and the results of its calls stay as text', (t) => {
  t.is(leftAfter(['answer', 3, 1]), 'one AAAA BBBB CCCC "a"');
  t.is(leftAfter(['answer', 4, 0]), 'one AAAA BBBB CCCC "a"', 'its results were named');
  t.is(leftAfter(['answer', null, null]), 'one AAAA BBBB CCCC "a"', 'the newest one');
  t.is(leftAfter(['answer', 0, 0]), 'nothing is left to change');
});

test('a summary moves the places of what is left out, and is said by the user where it is refused itself', (t) => {
  const parts = new RefusedParts();
  parts.add('answer', MESSAGES, { message: 3, block: null });
  parts.shift(3);
  const summary: ModelMessage = {
    role: 'assistant',
    content: [{ type: 'compaction', content: 'So far.', signature: 's' }],
  };
  const after = [summary, ...MESSAGES.slice(3)];
  t.false(JSON.stringify(parts.apply(after)).includes('"c"'));
  parts.add('answer', after, { message: 0, block: 0 });
  t.deepEqual(parts.apply(after)[0], {
    role: 'user',
    content: [{ type: 'text', text: 'The conversation so far:\n\nSo far.' }],
  });
});
