import test from 'ava';
import type { SpendingCaps } from '../../../../coordinator/tasks/spending-caps.ts';
import { ASK, startModelProxy } from '../../../support/model-proxy-scene.ts';
import { setCallbackScene } from '../../../support/callback-scene.ts';
import { SUCCEEDED } from '../../../support/result.ts';
import { taskOf } from '../../../support/fixtures.ts';

const OUTAGE = {
  ...SUCCEEDED,
  attempt: 1,
  last_seq: 0,
  status: 'failed' as const,
  reason: 'model_unavailable' as const,
  detail: '429, again and again',
  retry_at: '2026-01-02T03:04:05.678Z',
};
const SPENT = { reason: 'budget_exhausted' as const, detail: 'The budget is spent.', retry_at: null };

test('an outage of the model is a spent budget where that could not pay for the newest request', async (t) => {
  const { client, proxy, caller } = await startModelProxy(t, { budget_usd: 0.05, script: [{ text: 'a' }] });
  t.is(proxy.correct(caller, OUTAGE), OUTAGE);
  await t.throwsAsync(client.messages.create({ ...ASK, messages: [{ role: 'user', content: 'x'.repeat(400_000) }] }));
  const corrected = proxy.correct(caller, OUTAGE);
  t.like(corrected, { status: 'failed', reason: 'budget_exhausted', retry_at: null });
  t.regex(corrected.detail ?? '', /budget of \$0\.0500 is spent/);
  const stuck = { ...OUTAGE, reason: 'stuck' as const };
  t.is(proxy.correct(caller, stuck), stuck);
  await client.messages.create(ASK);
  t.is(proxy.correct(caller, OUTAGE), OUTAGE);
});

test('a spent budget is not the reason once something else refuses the newest request', async (t) => {
  const caps: SpendingCaps = {};
  const { client, proxy, caller } = await startModelProxy(t, { budget_usd: 0.05, caps });
  await t.throwsAsync(client.messages.create({ ...ASK, messages: [{ role: 'user', content: 'x'.repeat(400_000) }] }));
  t.is(proxy.correct(caller, OUTAGE).reason, 'budget_exhausted');
  caps.server_month_usd = 0.000001;
  await t.throwsAsync(client.messages.create(ASK, { maxRetries: 0 }), { message: /month/ });
  const corrected = proxy.correct(caller, OUTAGE);
  t.like(corrected, { reason: 'spending_cap', retry_at: OUTAGE.retry_at });
  t.regex(corrected.detail ?? '', /^All errands of this server may cost \$0\.000001 a month/);
});

test('what the model proxy knows better of a result is stored', async (t) => {
  const forward = () => Promise.reject(new Error('Nothing is asked.'));
  const { scene, task_id, result } = await setCallbackScene(
    t,
    {},
    { llm: { forward, correct: (_attempt, reported) => ({ ...reported, ...SPENT }) } },
  );
  t.is((await result(0, OUTAGE)).status, 200);
  t.like(taskOf(scene.log, task_id), { status: 'failed', reason: SPENT.reason, detail: SPENT.detail });
});
