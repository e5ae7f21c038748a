import test from 'ava';
import { startBilledApi } from '../../../support/billing/api.ts';
import { startErrands } from '../../../support/billing/errands.ts';
import { RandomConversation, randomPlan, toJson } from '../../../support/billing/random-conversation.ts';
import { Random } from '../../../support/random.ts';

const REQUESTS = 10_000;
const PER_ERRAND_MAX = 20;
const ROUND_OFF_USD = 1e-9;

test('no errand is billed more than its budget, whatever it asks and the API answers', async (t) => {
  t.timeout(900_000);
  const seed = Number(process.env['SEED'] ?? 1);
  const random = new Random(seed);
  const api = await startBilledApi(
    t,
    () => {
      if (random.next() < 0.05) api.cache.lose();
      api.cache.pass(random.pick([1, 60, 400, 4_000]));
      return randomPlan(random);
    },
    () => (random.next() < 0.05 ? random.pick([404, 429, 500]) : undefined),
  );
  const errands = await startErrands(t, api.base_url);
  const seen = { requests: 0, refused: 0, answered: 0, aborted: 0, summaries: 0, statuses: new Set<number>() };

  const runErrand = async () => {
    const budget_usd = random.pick([0.01, 0.05, 0.2, 1, 3]);
    const id = errands.add(budget_usd);
    const conversation = new RandomConversation(random, id);
    for (let n = 0; n < PER_ERRAND_MAX && seen.requests < REQUESTS; n++) {
      const at_once = random.next() < 0.15 ? 3 : 1;
      const request = conversation.next();
      const body = toJson(random, request);
      const replies = await Promise.all(
        Array.from({ length: at_once }, () => {
          seen.requests++;
          const leaves = random.next() < 0.1 ? random.pick(['before', 'during'] as const) : undefined;
          return errands.post(id, body, leaves);
        }),
      );
      for (const reply of replies) {
        if (reply === 'aborted') seen.aborted++;
        else if (reply.body.includes('billing_error')) seen.refused++;
        else seen.statuses.add(reply.status);
        if (reply === 'aborted' || reply.status !== 200) continue;
        seen.answered++;
        if (request.compaction) seen.summaries++;
      }
      if (random.next() < 0.3) await errands.settled(id);
    }
    await errands.settled(id);
    const [bill, spent] = [api.bill(id), errands.spent(id)];
    t.true(bill <= budget_usd + ROUND_OFF_USD, `seed ${seed}: billed $${bill} of a budget of $${budget_usd}`);
    t.true(spent >= bill - ROUND_OFF_USD, `seed ${seed}: booked $${spent} of a bill of $${bill}`);
    t.true(spent <= budget_usd + ROUND_OFF_USD, `seed ${seed}: booked $${spent} of a budget of $${budget_usd}`);
  };
  const runErrands = async () => {
    while (seen.requests < REQUESTS) await runErrand();
  };
  await Promise.all(Array.from({ length: 16 }, runErrands));
  t.log(seen, `${api.counts} counts`);
  t.true(seen.requests >= REQUESTS && seen.answered > 2_000 && seen.refused > 500 && seen.aborted > 300);
  t.true(seen.summaries > 300);
});
