import test from 'ava';
import { bench } from '../../support/agent-work.ts';
import { costOfRun, simulate, storyOf } from '../../support/long-run/policies.ts';
import { longRun, prepareLongRun, TURNS } from '../../support/long-run/script.ts';

/**
 * The API's own summary keeps no turn word for word, which is cheaper, and leaves the model without its newest results.
 */
const COST_TO_OWN_SUMMARY_MAX = 1.2;

test('a run of 450 turns reads 97 % of its prompts from the cache, and costs less than one that clears results or is never shortened', async (t) => {
  t.timeout(600_000);
  const b = await bench(t, longRun());
  await prepareLongRun(b);
  // Each request repeats the whole conversation: kept, they would make each start of a command slower.
  void b.event('turn.finished', () => {
    b.model.requests.length = 0;
    return false;
  });
  const end = await b.run({ max_turns: 2 * TURNS, time_limit_ms: 600_000, budget_usd: 1_000 });
  t.is(end.status, 'succeeded', end.detail ?? '');
  t.true(b.of('turn.finished').length > TURNS);
  const cost = costOfRun(b.events);
  t.true(cost.cached >= 0.97, `cached: ${cost.cached}`);
  const story = storyOf(b.events);
  const cheaper_than = {
    'clearing that slides': simulate(story, { summary: true, clearing: 'slides' }),
    'clearing in steps': simulate(story, { summary: true, clearing: 'steps' }),
    'no shortening': simulate(story, { summary: false, clearing: 'never' }),
  };
  const own_summary = simulate(story, { summary: true, clearing: 'never' });
  t.log(cost, cheaper_than, own_summary);
  for (const [policy, other] of Object.entries(cheaper_than)) t.true(cost.usd < other.usd, policy);
  t.true(cost.usd < COST_TO_OWN_SUMMARY_MAX * own_summary.usd);
});
