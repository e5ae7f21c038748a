import test, { type ExecutionContext } from 'ava';
import { bench } from '../../../support/agent-work.ts';
import { startBilledApi } from '../../../support/billing/api.ts';
import { startErrands } from '../../../support/billing/errands.ts';
import { prepareLongRun, turnOf } from '../../../support/long-run/script.ts';
import { Random } from '../../../support/random.ts';

const BUDGET_USD = 2;
const SEED = Number(process.env['SEED'] ?? 8);
/** As a task of this price: shorter texts and results than in a long run, and an output of 60 kB now and then. */
const MEASURE = { share: 0.08, long_every: 150 };

type Warning = { used: number; spent: number };

/** The real agent loop at the real model proxy, with an API that counts, caches and bills, until the budget ends it. */
async function spend(t: ExecutionContext, model: string) {
  const random = new Random(SEED);
  let turns = 0;
  const api = await startBilledApi(t, ({ compaction }) => (compaction ? {} : turnOf(turns++, random, MEASURE)));
  const errands = await startErrands(t, api.base_url);
  const id = errands.add(BUDGET_USD);
  const b = await bench(t);
  await prepareLongRun(b);
  b.base_url = `${errands.url}/${id}`;
  const warnings: Warning[] = [];
  void b.event('limit.near', ({ body: { limit, used } }) => {
    if (limit === 'budget') warnings.push({ used, spent: errands.spent(id) });
    return false;
  });
  const end = await b.run({ model, budget_usd: BUDGET_USD, max_turns: 10_000, time_limit_ms: 600_000 });
  const summaries = b.of('turn.finished').filter(({ stop_reason }) => stop_reason === 'compaction').length;
  const cached = api.usages.reduce((sum, usage) => sum + usage.cache_read_input_tokens, 0);
  const written = api.usages.reduce((sum, usage) => sum + usage.input_tokens + usage.cache_creation_input_tokens, 0);
  const share_cached = cached / (cached + written);
  return { end, turns, summaries, warnings, bill: api.bill(''), booked: errands.spent(id), share_cached };
}

for (const [model, turns_min] of [
  ['claude-sonnet-5-5', 300],
  ['claude-opus-5-5', 150],
] as const)
  test(`an errand of recorded turns with ${model} uses its whole budget, after a warning at 80 percent`, async (t) => {
    t.timeout(600_000);
    const result = await spend(t, model);
    t.log(result);
    const { end, turns, warnings, bill, booked } = result;
    t.is(end.reason, 'budget_exhausted');
    t.true(turns >= turns_min);
    t.true(bill <= BUDGET_USD && booked >= bill - 1e-9 && booked <= BUDGET_USD);
    const [, next_usd] = /its next request may cost \$([\d.]+)/.exec(end.detail ?? '') ?? [];
    t.true(BUDGET_USD - bill < Number(next_usd) + 0.005, 'what is left does not pay for another request');
    t.true(bill >= 0.9 * BUDGET_USD);
    const [warning] = warnings;
    t.true(warning !== undefined && warning.used >= 0.8 * BUDGET_USD && warning.used < 0.95 * BUDGET_USD);
    t.true(warning !== undefined && warning.spent >= 0.7 * BUDGET_USD);
  });
