import test from 'ava';
import { shortBody, shortText } from '../../../coordinator/domain/short-body.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { NumberedEvent } from '../../../protocol/events.ts';
import { Random } from '../../support/random.ts';

const MAX = LIMITS.short_body_bytes_max;

test('a body that is short enough is left as it is, to the byte', (t) => {
  const overhead = JSON.stringify({ text: '' }).length;
  for (const body of ['{}', JSON.stringify({ text: 'x'.repeat(MAX - overhead) })])
    t.deepEqual(shortBody('log', body), { body, whole_bytes: undefined });
  const longer = JSON.stringify({ text: 'é'.repeat(MAX / 2) });
  t.is(shortBody('log', longer).whole_bytes, Buffer.byteLength(longer));
});

test('a cut body is small whatever was in it, and still has the form of its type', (t) => {
  const long = 'ä😀'.repeat(50_000);
  const blocks = Array.from({ length: 5_000 }, (_, n) => ({ text: 'ä😀'.repeat(n % 250), type: 'text' }));
  const deep = JSON.parse(`${'{"a":['.repeat(40)}"${'x'.repeat(9_000)}"${']}'.repeat(40)}`) as unknown;
  const wide = Object.fromEntries(
    Array.from({ length: 2_000 }, (_, n) => [`key ${n} ${'k'.repeat(300)}`, { [n]: {} }]),
  );
  const [turn, ref, duration_ms] = [1, `toolu_${'r'.repeat(80)}`, 1];
  const usage = { input_tokens: 1, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens: 5 };
  const bodies = [
    { type: 'tool.started', body: { turn, ref, name: 'write_file', input: { path: 'a', content: long } } },
    { type: 'tool.started', body: { turn, ref, name: 'x', input: deep } },
    { type: 'tool.started', body: { turn, ref, name: 'x', input: wide } },
    {
      type: 'tool.finished',
      body: { turn, ref, name: 'bash', is_error: false, content: blocks, duration_ms, exit_code: 0 },
    },
    {
      type: 'turn.finished',
      body: {
        turn,
        ref: 'm',
        model: 'm',
        content: blocks,
        stop_reason: 'end_turn',
        usage,
        request_id: null,
        duration_ms,
      },
    },
    {
      type: 'plan.updated',
      body: { items: Array.from({ length: 50 }, () => ({ text: 'ß'.repeat(300), status: 'pending' })) },
    },
    { type: 'custom', body: { name: 'n', data: wide } },
  ];
  for (const { type, body } of bodies) {
    const text = JSON.stringify(body);
    const cut = shortBody(type, text);
    t.is(cut.whole_bytes, Buffer.byteLength(text));
    t.true(cut.body.length < 3 * MAX, `${type}: ${cut.body.length}`);
    const event = { seq: 1, at: '2026-01-01T00:00:00.000Z', type, body: JSON.parse(cut.body) as unknown };
    t.true(NumberedEvent.safeParse(event).success, type);
    if ('ref' in body) t.is((event.body as { ref: string }).ref, body.ref, 'what others refer to is whole');
    t.notRegex(cut.body, /\\ud[89ab]../i, 'no half of a character');
  }
});

test('a question is never cut: it is answered', (t) => {
  const body = JSON.stringify({ ref: 'r', question: '?'.repeat(4_000), note: 'x'.repeat(4_000) });
  t.deepEqual(shortBody('question.asked', body), { body, whole_bytes: undefined });
});

/** Whether all that a short form has is in the whole, at the same place. */
function isPartOf(short: unknown, whole: unknown): boolean {
  if (typeof short === 'string' && typeof whole === 'string')
    return short === whole || (short.endsWith('…') && whole.startsWith(short.slice(0, -1)));
  if (typeof short !== 'object' || short === null || typeof whole !== 'object' || whole === null)
    return short === whole;
  const parts = new Map(Object.entries(whole));
  return (
    Array.isArray(short) === Array.isArray(whole) &&
    Object.entries(short).every(([key, value]) => parts.has(key) && isPartOf(value, parts.get(key)))
  );
}

test('what is left out is passed over and not parsed', (t) => {
  const end = 'an escape that JSON does not have: \\q \\\\\\" ] } [ { ,';
  const many = '0,'.repeat(10_000);
  for (const text of [
    `{"name":"x","data":[${many}"${end}"],"more":1}`,
    `{"name":"x","data":{"a":[${many}0],"b":{"c":"${end}","d":[]}},"more":1}`,
    `{"name":"x","data":[[[${many}{"${end}":[]}]]],"more":1}`,
  ]) {
    const { body, whole_bytes } = shortBody('custom', text);
    t.is(whole_bytes, text.length);
    t.like(JSON.parse(body), { name: 'x', more: 1 });
    t.true(body.length < MAX);
  }
});

test('many values that take no room are left out too', (t) => {
  for (const value of ['', 0, [], {}]) {
    const data = Array.from({ length: 50_000 }, () => value);
    t.true(shortBody('custom', JSON.stringify({ name: 'x', data })).body.length < 2 * MAX);
  }
});

test('no JSON makes it fail', (t) => {
  const random = new Random(11);
  const make = (depth: number): unknown => {
    const kind = random.whole(0, depth > 5 ? 3 : 5);
    if (kind === 0) return 'x"\\\u0000é'.repeat(random.whole(0, 2_000));
    if (kind === 1) return random.next() * 1e9;
    if (kind === 2) return null;
    if (kind === 3) return true;
    const inner = Array.from({ length: random.whole(0, 30) }, () => make(depth + 1));
    return kind === 4 ? inner : Object.fromEntries(inner.map((value, n) => [`__proto__${n % 3}`, value]));
  };
  for (let n = 0; n < 200; n++) {
    const data = make(0);
    const { body } = shortBody('custom', JSON.stringify({ name: 'n', data }));
    t.true(isPartOf(JSON.parse(body), { name: 'n', data }), body);
    t.true(body.length < 20 * MAX);
  }
  t.is(shortText('short'), 'short');
});
