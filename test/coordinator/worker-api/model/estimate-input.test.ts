import test from 'ava';
import { estimateInput } from '../../../../coordinator/worker-api/model/estimate-input.ts';
import { parseBody } from '../../../../coordinator/worker-api/model/request-body.ts';

const estimate = (body: object | string) =>
  estimateInput(parseBody(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))));
const says = (...content: object[]) => ({ model: 'm', messages: [{ role: 'user', content }] });
const text = (value: string) => ({ type: 'text', text: value });
const result = (content: unknown) => ({ type: 'tool_result', tool_use_id: 't', content });
const image = (data: string) => ({ type: 'image', source: { type: 'base64', data } });
const NOTHING = estimate(says(text(''))).tokens_max;
/** What some content adds to a prompt. */
const added = (...content: object[]) => estimate(says(text(''), ...content)).tokens_max - NOTHING;
const isAbout = (tokens: number, least: number) => tokens >= least && tokens < least + 200;

test('a byte of text may be a token, however the text is written in JSON', (t) => {
  t.true(isAbout(added(text('7'.repeat(1_000))), 1_000));
  t.true(added(text('漢'.repeat(1_000))) >= 3_000);
  t.true(added(text('\u0001'.repeat(1_000))) >= 1_000);
  const plain = JSON.stringify(says(text('x'.repeat(1_000))));
  const escaped = plain.replaceAll('x', String.raw`\u0078`);
  t.deepEqual(estimate(escaped), estimate(plain));
});

test('an image counts as the largest one, whatever its bytes, and wherever it is', (t) => {
  for (const data of ['QUJD', 'A'.repeat(400_000)]) {
    t.true(isAbout(added(image(data)), 5_000));
    t.true(isAbout(added(result([image(data)])), 5_000));
    t.true(isAbout(added({ type: 'document', source: { type: 'content', content: [image(data)] } }), 5_000));
  }
});

test('a PDF counts as the longest prompt, and a document of text as its text', (t) => {
  const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'QUJD' } };
  for (const content of [pdf, result([pdf])]) t.is(estimate(says(content)).tokens_max, 1_000_000);
  t.true(isAbout(added({ type: 'document', source: { type: 'text', data: 'x'.repeat(900) } }), 900));
  // Text that only looks like the data of an image is text.
  t.true(added({ type: 'text', text: 'x', source: { type: 'base64', data: 'A'.repeat(90_000) } }) >= 90_000);
});

test('what precedes the newest summary is not counted; a summary without content, or of a user, changes nothing', (t) => {
  const long = { role: 'user', content: 'x'.repeat(50_000) };
  const summary = (content: string | null, role = 'assistant') => ({
    role,
    content: [{ type: 'compaction', content }],
  });
  const tokens = (...messages: object[]) => estimate({ model: 'm', messages }).tokens_max;
  t.true(tokens(long, summary('s'), { role: 'user', content: 'y' }) < 3_000);
  t.true(tokens(long, summary('s'), long, summary('s')) < 3_000);
  t.true(tokens(long, summary('s'), long) > 50_000);
  for (const none of [summary(null), summary(''), summary('s', 'user')]) t.true(tokens(long, none) > 50_000);
  const nested = { role: 'assistant', content: [result([{ type: 'compaction', content: 's' }])] };
  t.true(tokens(long, nested) > 50_000);
});

test('the most expensive cache that is named counts, in any spelling and place', (t) => {
  const hour = { cache_control: { type: 'ephemeral', ttl: '1h' } };
  t.is(estimate(says(text('"cache_control":{"ttl":"1h"}'))).cache, 'none');
  t.is(estimate(says({ ...text('a'), cache_control: { type: 'ephemeral' } })).cache, '5m');
  t.is(estimate({ ...says(text('a')), ...hour }).cache, '1h');
  t.is(estimate({ ...says(text('a')), tools: [{ name: 'a', ...hour }] }).cache, '1h');
  t.is(estimate({ ...says(text('a')), system: [{ ...text('a'), ...hour }] }).cache, '1h');
  t.is(estimate(says(result([{ ...text('a'), ...hour }]))).cache, '1h');
  t.is(estimate(JSON.stringify({ ...says(text('a')), ...hour }).replace('1h', String.raw`\u0031h`)).cache, '1h');
});

test('a prompt that may reach the trigger of a compaction may be read twice', (t) => {
  const edits = (value?: number) => ({
    context_management: {
      edits: [{ type: 'compact_20260112', ...(value && { trigger: { type: 'input_tokens', value } }) }],
    },
  });
  const long = says(text('x'.repeat(60_000)));
  t.false(estimate(long).compacts);
  t.true(estimate({ ...long, ...edits(50_000) }).compacts);
  t.true(estimate({ ...long, ...edits() }).compacts);
  t.false(estimate({ ...long, ...edits(100_000) }).compacts);
});
