import test from 'ava';
import { bench } from '../../support/agent-work.ts';
import { costOfRun, simulate, storyOf } from '../../support/long-run/policies.ts';
import { longRun, prepareLongRun, TURNS } from '../../support/long-run/script.ts';

test('a run of 450 turns reads at least 97 % of its prompts from the cache, and is cheaper than clearing results', async (t) => {
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
  const others = {
    'clearing that slides': simulate(story, { summary: true, clearing: 'slides' }),
    'clearing in steps': simulate(story, { summary: true, clearing: 'steps' }),
    'a summary by the API itself': simulate(story, { summary: true, clearing: 'never' }),
    'no shortening': simulate(story, { summary: false, clearing: 'never' }),
  };
  t.log(cost, others);
  t.true(cost.usd < others['clearing that slides'].usd);
  t.true(cost.usd < others['no shortening'].usd);
});
