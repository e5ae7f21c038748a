import test from 'ava';
import { Guards } from '../../../agent-container/loop/guards.ts';
import { bench } from '../../support/agent-work.ts';

const LIMITS = { max_turns: 100, budget_usd: 10, spent_usd: 0, time_limit_ms: 3_600_000 };

test('tells of a limit that comes near, once at each of two marks', (t) => {
  const guards = new Guards({ ...LIMITS, max_turns: 20 });
  const told = Array.from({ length: 20 }, () => guards.beginTurn().map(({ limit, used }) => `${limit} ${used}`));
  t.deepEqual(told.flat(), ['turns 16', 'turns 19']);
  t.is(guards.turnsLeft, 0);
  t.throws(() => guards.beginTurn(), { message: /limit of 20 turns/ });
});

test('counts what was spent before, and what the coordinator says is left', (t) => {
  const guards = new Guards({ ...LIMITS, spent_usd: 8.5 });
  t.like(guards.beginTurn()[0], { limit: 'budget', used: 8.5, of: 10 });
  t.deepEqual(guards.beginTurn(), []);
  guards.budgetLeft(0.4);
  t.regex(guards.beginTurn()[0]?.note ?? '', /\$0\.40 of the budget are left/);
  guards.budgetLeft(0);
  t.throws(() => guards.beginTurn(), { message: /budget of \$10\.00 is spent/ });
});

test('has no time once the time is up', async (t) => {
  const guards = new Guards({ ...LIMITS, time_limit_ms: 50 });
  const { promise: up, resolve } = Promise.withResolvers<void>();
  guards.deadline.addEventListener('abort', () => resolve());
  await up;
  t.throws(() => guards.beginTurn(), { message: /time limit/ });
});

test('tells the model what its budget has left, as the answers before say', async (t) => {
  const b = await bench(t, {
    handler: (_, n) => (n < 2 ? { tools: [{ name: 'run_command', input: { command: 'true' } }] } : { text: 'Done.' }),
  });
  b.fetch = async (url, init) => {
    const response = await fetch(url, init);
    const headers = new Headers(response.headers);
    headers.set('errand-budget-remaining-usd', b.model.requests.length < 2 ? '4.5' : '0.7');
    return new Response(response.body, { status: response.status, headers });
  };
  t.is((await b.run()).status, 'succeeded');
  t.deepEqual(b.of('limit.near'), [{ limit: 'budget', used: 4.3, of: 5 }]);
  t.regex(b.model.requests[2]?.raw.toString() ?? '', /\$0\.70 of the budget are left/);
});
