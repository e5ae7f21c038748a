import test, { type ExecutionContext } from 'ava';
import { BUDGET_RESERVED_HEADER } from '../../../../protocol/budget-headers.ts';
import { startBilledApi, type Plan } from '../../../support/billing/api.ts';
import { startErrands } from '../../../support/billing/errands.ts';

const PROSE = 'some words of prose '.repeat(2_000);
const ask = (prompt: string, more: object = {}) => ({
  model: 'claude-sonnet-5-5',
  max_tokens: 2_000,
  messages: [{ role: 'user', content: prompt }],
  ...more,
});

async function setUp(t: ExecutionContext, plan: Plan = { text: 'Done.' }, countFault?: () => number | undefined) {
  const api = await startBilledApi(t, () => plan, countFault);
  const errands = await startErrands(t, api.base_url);
  const post = async (id: string, body: object) => {
    const reply = await errands.post(id, JSON.stringify(body));
    await errands.settled(id);
    if (reply === 'aborted') throw new Error('The connection broke.');
    return reply;
  };
  return { api, errands, post };
}

test('a request that is cheap even in the worst case is not counted', async (t) => {
  const { api, errands, post } = await setUp(t);
  t.is((await post(errands.add(5), ask(PROSE))).status, 200);
  t.is(api.counts, 0);
});

test('a request that would take much of the rest in the worst case is counted, and fits if it does', async (t) => {
  const { api, errands, post } = await setUp(t);
  const id = errands.add(0.06);
  t.is((await post(id, ask(PROSE))).status, 200);
  t.is(api.counts, 1);
  t.true(api.bill('') <= 0.06);
});

test('a prompt that repeats the one before is not counted again: only what was added is estimated', async (t) => {
  const { api, errands, post } = await setUp(t);
  const id = errands.add(0.8);
  const messages = ask(PROSE).messages;
  await post(id, ask(PROSE));
  const counts = api.counts;
  const grown = [...messages, { role: 'assistant', content: 'Done.' }, { role: 'user', content: 'Go on.' }];
  const reply = await post(id, { ...ask(PROSE), messages: grown, cache_control: { type: 'ephemeral' } });
  t.is(api.counts, counts);
  // About 20,000 tokens at the price of a cache write.
  const reserved = Number(reply.headers[BUDGET_RESERVED_HEADER]);
  t.true(reserved > 0.05 && reserved < 0.055, String(reserved));
});

test('a small PDF is priced by its pages', async (t) => {
  const { api, errands, post } = await setUp(t);
  const pdf = (pages: number) => {
    const data = Buffer.from(`%PDF << /Count ${pages} >>`).toString('base64');
    return [{ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data } }];
  };
  const id = errands.add(0.05);
  const book = await post(id, { ...ask(''), messages: [{ role: 'user', content: pdf(300) }] });
  t.is(book.status, 429);
  t.regex(book.body, /budget of \$0\.0500 is spent.*at most 909,\d{3} tokens/);
  t.is((await post(id, { ...ask(''), messages: [{ role: 'user', content: pdf(3) }] })).status, 200);
  t.true(api.bill('') > 0.017 && api.bill('') <= 0.05);
});

test('while the API does not count, a request whose worst case is too expensive is tried again later', async (t) => {
  const { errands, post } = await setUp(t, { text: 'Done.' }, () => 529);
  const reply = await post(errands.add(0.06), ask(PROSE));
  t.is(reply.status, 503);
  t.regex(reply.body, /cannot count the tokens/);
  t.truthy(reply.headers['retry-after']);
  t.is((await post(errands.add(0.9), ask(PROSE))).status, 200);
});

test('with an API that never counts, a request whose worst case is too expensive ends the budget', async (t) => {
  const { errands, post } = await setUp(t, { text: 'Done.' }, () => 404);
  t.regex((await post(errands.add(0.06), ask(PROSE))).body, /billing_error.*budget of \$0\.0600 is spent/);
});

test('a request that the API refuses to count is refused with the words of the API', async (t) => {
  const { api, errands, post } = await setUp(t, { text: 'Done.' }, () => 400);
  const reply = await post(errands.add(0.06), ask(PROSE));
  t.is(reply.status, 400);
  t.regex(reply.body, /prompt is too long/);
  t.is(api.usages.length, 0);
});

test('a compaction is reserved twice, and its answer is cut where the budget ends', async (t) => {
  const { api, errands, post } = await setUp(t, { output_tokens: 100_000, summary_tokens: 100_000 });
  const edits = [{ type: 'compact_20260112', trigger: { type: 'input_tokens', value: 50_000 } }];
  const long = ask('0123456789'.repeat(6_000), { context_management: { edits }, max_tokens: 64_000 });
  t.regex((await post(errands.add(0.2), long)).body, /read twice to summarise it/);
  const id = errands.add(0.5);
  t.is((await post(id, long)).status, 200);
  t.true(api.bill('') <= 0.5 && errands.spent(id) >= api.bill('') - 1e-9);
});
