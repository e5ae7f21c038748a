import test from 'ava';
import { bench } from '../../../support/agent-work.ts';
import { startBilledApi } from '../../../support/billing/api.ts';
import { startErrands } from '../../../support/billing/errands.ts';
import { prepareLongRun, turnOf } from '../../../support/long-run/script.ts';
import { Random } from '../../../support/random.ts';

const BUDGET_USD = 2;
const SEED = Number(process.env['SEED'] ?? 8);

for (const model of ['claude-sonnet-5-5', 'claude-opus-5-5'])
  test(`an errand of recorded turns with ${model} uses its whole budget, after a warning at 80 percent`, async (t) => {
    t.timeout(600_000);
    const random = new Random(SEED);
    let turn = 0;
    const api = await startBilledApi(t, ({ compaction }) => (compaction ? {} : turnOf(turn++, random)));
    const errands = await startErrands(t, api.base_url);
    const id = errands.add(BUDGET_USD);
    const b = await bench(t);
    await prepareLongRun(b);
    b.fetch = (url, init) => fetch(String(url).replace(b.model.base_url, `${errands.url}/${id}`), init);
    const warned = b
      .event('limit.near', ({ body }) => body.limit === 'budget')
      .then(({ body: { used, of } }) => ({ used, of, spent: errands.spent(id) }));
    const end = await b.run({ model, budget_usd: BUDGET_USD, max_turns: 10_000, time_limit_ms: 600_000 });
    const cached = api.usages.reduce((sum, usage) => sum + usage.cache_read_input_tokens, 0);
    const prompts = api.usages.reduce(
      (sum, { input_tokens: i, cache_creation_input_tokens: w }) => sum + i + w,
      cached,
    );
    const warning = await Promise.race([warned, null]);
    const summaries = b.of('turn.finished').filter(({ stop_reason }) => stop_reason === 'compaction').length;
    t.log({ turn, summaries, bill: api.bill(''), cached: cached / prompts, counts: api.counts, warning, end });
    if (process.env['TRACE']) for (const u of api.usages) console.log(JSON.stringify(u));
    t.is(end.reason, 'budget_exhausted');
    t.true(api.bill('') <= BUDGET_USD && errands.spent(id) >= api.bill('') - 1e-9);
    t.true(api.bill('') >= 0.95 * BUDGET_USD);
    t.true(warning !== null && warning.used >= 0.8 * BUDGET_USD && warning.used < 0.95 * BUDGET_USD);
    t.true(warning !== null && warning.spent >= 0.7 * BUDGET_USD);
  });
