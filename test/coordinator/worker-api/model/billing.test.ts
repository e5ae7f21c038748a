import Anthropic, { APIError, APIUserAbortError, RateLimitError } from '@anthropic-ai/sdk';
import test from 'ava';
import { ASK, leave, startModelProxy } from '../../../support/model-proxy-scene.ts';
import { faults, type ModelServer } from '../../../support/model/server.ts';
import { until } from '../../../support/until.ts';

/** How many requests for messages the API got, without those that count tokens. */
const messagesAsked = ({ requests }: ModelServer) => requests.filter(({ path }) => path === '/v1/messages').length;

test('adds the cost of a request to its task, with an event', async (t) => {
  const { client, task, rows, caller } = await startModelProxy(t, {
    script: [
      { text: 'a', output_tokens: 100 },
      { text: 'b', output_tokens: 50 },
    ],
  });
  const cached = { ...ASK, cache_control: { type: 'ephemeral' } as const, system: 'Be brief. '.repeat(100) };
  const first = await client.beta.messages.stream(cached).finalMessage();
  const written = Number(first.usage.cache_creation_input_tokens);
  await until('the first is charged', () => task().usage.requests === 1);
  t.deepEqual(task().usage, {
    requests: 1,
    input_tokens: 0,
    cache_write_tokens: written,
    cache_read_tokens: 0,
    output_tokens: 100,
    cost_usd: (written * 2.5 + 100 * 10) / 1e6,
  });
  await client.beta.messages.create({ ...cached, stream: false });
  await until('the second is charged', () => task().usage.requests === 2);
  t.like(task().usage, { cache_write_tokens: written, cache_read_tokens: written, output_tokens: 150 });
  t.deepEqual(
    rows.map(({ type, attempt, user_id, seq }) => ({ type, attempt, user_id, seq })),
    [1, 2].map(() => ({ type: 'usage.updated', attempt: 1, user_id: caller.user_id, seq: null })),
  );
  t.deepEqual(JSON.parse(rows[1]?.body ?? ''), { model: ASK.model, effort: null, usage: task().usage });
});

test('charges for a compaction as well as the answer', async (t) => {
  const { client, task } = await startModelProxy(t, {
    script: [{ compaction: 'x'.repeat(400), text: 'On.', output_tokens: 7 }],
  });
  const { usage } = await client.beta.messages
    .stream({ ...ASK, betas: ['compact-2026-01-12'], context_management: { edits: [{ type: 'compact_20260112' }] } })
    .finalMessage();
  await until('it is charged', () => task().usage.requests === 1);
  t.is(task().usage.input_tokens, usage.input_tokens * 2);
  t.is(task().usage.output_tokens, 107);
});

test('refuses the next request once the budget is spent, and the SDK does not retry', async (t) => {
  const { client, model, task } = await startModelProxy(t, {
    budget_usd: 0.05,
    script: [{ text: 'a', output_tokens: 4800 }],
  });
  await client.beta.messages.stream({ ...ASK, max_tokens: 4900 }).finalMessage();
  await until('it is charged', () => task().usage.cost_usd > 0.048);
  const error = await t.throwsAsync(client.beta.messages.stream(ASK).finalMessage(), { instanceOf: RateLimitError });
  t.is(error?.type, 'billing_error');
  t.regex(error?.message ?? '', /budget of \$0\.0500 is spent/);
  t.is(error?.headers.get('x-should-retry'), 'false');
  t.is(messagesAsked(model), 1);
});

test('lowers max_tokens to what the budget can pay for, and changes nothing else', async (t) => {
  const { client, model, task } = await startModelProxy(t, { budget_usd: 0.05, script: [{ text: 'a' }] });
  await client.beta.messages.stream({ ...ASK, max_tokens: 64_000 }).finalMessage();
  const sent = JSON.parse(model.requests[0]?.raw.toString() ?? '') as { max_tokens: number };
  t.true(sent.max_tokens > 4000 && sent.max_tokens < 5000, String(sent.max_tokens));
  t.deepEqual({ ...sent, max_tokens: 64_000 }, { ...ASK, max_tokens: 64_000, stream: true } as object);
  await until('it is charged', () => task().usage.requests === 1);
});

test('counts budget that is reserved for requests in progress as spent', async (t) => {
  const { client, model, task } = await startModelProxy(t, {
    budget_usd: 0.2,
    script: [{ text: 'a', fault: { fault: 'stall', at_byte: 1000 } }, { text: 'b' }],
    timeouts: { linger_ms: 50 },
  });
  const stream = client.beta.messages.stream({ ...ASK, max_tokens: 64_000 });
  await stream.emitted('connect');
  const patient = new Anthropic({ apiKey: 'x', baseURL: client.baseURL, maxRetries: 0 });
  const error = await t.throwsAsync(patient.beta.messages.stream(ASK).finalMessage(), { instanceOf: RateLimitError });
  t.is(error?.type, 'rate_limit_error');
  t.is(error?.headers.get('retry-after'), '2');
  t.is(messagesAsked(model), 1);
  await leave(t, stream);
  await until('the reservation ended', () => task().usage.requests === 1);
  t.like(await patient.beta.messages.stream(ASK).finalMessage(), { stop_reason: 'end_turn' });
});

test('breaks off an answer that the API breaks off, and charges for it', async (t) => {
  const { client, task, busy, late_errors } = await startModelProxy(t, {
    script: [
      { text: 'word '.repeat(200), fault: { fault: 'cut', at_byte: 3000 } },
      { text: 'x', fault: faults.overloadedMidStream(3) },
    ],
  });
  await t.throwsAsync(client.beta.messages.stream(ASK).finalMessage(), { message: /terminated/ });
  await t.throwsAsync(client.beta.messages.stream(ASK).finalMessage(), { message: /Overloaded/ });
  await until('both are charged', () => task().usage.requests === 2 && busy() === 0);
  t.deepEqual(late_errors.map(String), ['ErrandError: The Claude API broke off its answer.']);
});

test('charges for the worst case of a request whose worker hung up and whose answer never came', async (t) => {
  const timeouts = { linger_ms: 50 };
  const { client, model, task, busy, late_errors, lines } = await startModelProxy(t, { script: [], timeouts });
  model.fail({ fault: 'silence' });
  const aborted = new AbortController();
  const asked = client.beta.messages.create({ ...ASK, stream: false }, { signal: aborted.signal });
  const gone = t.throwsAsync(asked, { instanceOf: APIUserAbortError });
  await until('the API received it', () => model.requests.length === 1);
  aborted.abort();
  await gone;
  await until('it is charged', () => task().usage.requests === 1);
  t.true(task().usage.input_tokens > 10);
  t.is(task().usage.output_tokens, ASK.max_tokens);
  await until('nothing is in progress', () => busy() === 0);
  t.deepEqual(late_errors, []);
  t.is(lines.filter((line) => line.includes('cut off')).length, 1);
});

test('sends no request while a charge cannot be stored, and stores it later', async (t) => {
  const slowly = { fault: 'drip', pause_ms: 50 } as const;
  const script = [{ text: 'a', fault: slowly }, { text: 'b' }];
  const { client, model, db, task, busy, lines } = await startModelProxy(t, { script });
  const stream = client.beta.messages.stream(ASK);
  await stream.emitted('connect');
  db.pragma('query_only = ON');
  await stream.finalMessage();
  await until('nothing is in progress', () => busy() === 0);
  t.true(lines.some((line) => line.includes('model cost not stored')));
  const error = await t.throwsAsync(client.beta.messages.create(ASK, { maxRetries: 0 }), { instanceOf: APIError });
  t.is(error?.status, 503);
  t.is(model.requests.length, 1);
  db.pragma('query_only = OFF');
  await client.beta.messages.stream(ASK).finalMessage();
  await until('both are charged', () => task().usage.requests === 2);
});
