import test from 'ava';
import { MediaLimit } from '../../../agent-container/model/media-limit.ts';
import type { ModelMessage } from '../../../agent-container/model/message.ts';

const MB = 1024 * 1024;
const image = (bytes: number) => ({
  type: 'image',
  source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(bytes) },
});

/** A turn that looks at images of this size. */
const looking = (...bytes: number[]): ModelMessage[] => [
  { role: 'assistant', content: bytes.map((_, i) => ({ type: 'tool_use', id: `${i}`, name: 'read_file', input: {} })) },
  { role: 'user', content: bytes.map((size) => ({ type: 'tool_result', tool_use_id: '0', content: [image(size)] })) },
];

/** For each image of a conversation, in order: whether it is sent. */
const sent = (messages: ModelMessage[]): boolean[] =>
  [...JSON.stringify(messages).matchAll(/"type":"image"|an image that is left out/g)].map(([found]) =>
    found.includes('type'),
  );
const countOf = (states: boolean[]) => states.filter(Boolean).length;

test('a conversation with few images is sent as it is', (t) => {
  const messages = [...looking(MB, MB), ...looking(MB)];
  t.is(new MediaLimit().apply(messages), messages);
});

test('of images with too many bytes the oldest are left out, several at once, and stay so', (t) => {
  const limit = new MediaLimit();
  let messages: ModelMessage[] = [];
  const counts = Array.from({ length: 10 }, () => {
    messages = [...messages, ...looking(5 * MB)];
    const states = sent(limit.apply(messages));
    t.deepEqual(
      states,
      [...states].sort((a, b) => Number(a) - Number(b)),
      'the newest are sent',
    );
    return countOf(states);
  });
  t.deepEqual(counts, [1, 2, 3, 4, 2, 3, 4, 2, 3, 4]);
});

test('a single turn with more than a request may have loses its first ones', (t) => {
  t.deepEqual(sent(new MediaLimit().apply(looking(12 * MB, 6 * MB, 4 * MB))), [false, true, true]);
});

test('small images and documents are limited by their number, whatever is around them', (t) => {
  const document = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'A' } };
  const messages: ModelMessage[] = [
    { role: 'user', content: [{ type: 'text', text: 'Look.' }, document] },
    ...looking(...Array.from({ length: 80 }, () => 10)),
  ];
  const states = sent(new MediaLimit().apply(messages));
  t.is(countOf(states), 40);
  t.regex(JSON.stringify(new MediaLimit().apply(messages)), /a document that is left out/);
});
