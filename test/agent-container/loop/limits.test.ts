import test from 'ava';
import { AttemptLimits } from '../../../agent-container/loop/limits.ts';
import { bench } from '../../support/agent-work.ts';
import { until } from '../../support/until.ts';

const LIMITS = { max_turns: 100, budget_usd: 10, spent_usd: 0, time_limit_ms: 3_600_000, verify_command: 'npm test' };

test('a limit that comes near gives a warning at 80 and at 95 percent', (t) => {
  const limits = new AttemptLimits({ ...LIMITS, max_turns: 20 });
  const warnings = Array.from({ length: 20 }, () => limits.beginTurn().map(({ limit, used }) => `${limit} ${used}`));
  t.deepEqual(warnings.flat(), ['turns 16', 'turns 19']);
  t.is(limits.turns_left, 0);
  t.throws(() => limits.beginTurn(), { message: /limit of 20 turns/ });
});

test('the budget counts what was spent before, and what the coordinator says is left', (t) => {
  const limits = new AttemptLimits({ ...LIMITS, spent_usd: 8.5 });
  t.like(limits.beginTurn()[0], { limit: 'budget', used: 8.5, of: 10 });
  t.deepEqual(limits.beginTurn(), []);
  limits.setBudgetLeft(0.4);
  t.regex(limits.beginTurn()[0]?.note ?? '', /\$0\.40 of the budget are left/);
  limits.setBudgetLeft(0);
  t.throws(() => limits.beginTurn(), { message: /budget of \$10\.00 is spent/ });
});

test('what is reserved for a prompt counts as spent in a warning, and a prompt is too expensive from a third of the rest on', (t) => {
  const limits = new AttemptLimits(LIMITS);
  limits.setBudgetLeft(5, 1);
  t.deepEqual(limits.beginTurn(), []);
  t.false(limits.is_prompt_too_expensive);
  limits.setBudgetLeft(4, 2);
  t.like(limits.beginTurn()[0], { limit: 'budget', used: 8, of: 10 });
  t.true(limits.is_prompt_too_expensive);
  limits.setBudgetLeft(3.9, 0.1);
  t.deepEqual(limits.beginTurn(), []);
  t.false(limits.is_prompt_too_expensive);
  limits.setBudgetLeft(0.5, 3);
  t.like(limits.beginTurn()[0], { used: 10, of: 10 });
});

test('the time is near once it is not enough for two runs of the check, though not in its first half', async (t) => {
  const limits = new AttemptLimits({ ...LIMITS, time_limit_ms: 4_000 });
  await limits.timingCheck(() => until('a third of the time is over', () => limits.ms_left < 2_600));
  t.deepEqual(limits.beginTurn(), []);
  await until('half of the time is over', () => limits.ms_left < 2_000);
  t.like(limits.beginTurn(), [{ limit: 'time', of: 4_000 }]);
  t.deepEqual(limits.beginTurn(), [], 'it is said once');
});

/** Resolves after about this time, as a run of the check does. */
const lasting = (limits: AttemptLimits, ms: number) => () => {
  const end = limits.ms_left - ms;
  return until('it has run', () => limits.ms_left <= end);
};

test('the check is taken to last as long as its longest run: one that fails at once says nothing', async (t) => {
  const limits = new AttemptLimits({ ...LIMITS, time_limit_ms: 4_000 });
  await limits.timingCheck(lasting(limits, 1_100));
  await limits.timingCheck(async () => undefined);
  await until('half of the time is over', () => limits.ms_left < 2_000);
  t.like(limits.beginTurn(), [{ limit: 'time' }]);
});

test('the first message names the limits, and a later attempt says its own', async (t) => {
  const b = await bench(t, { script: [{ text: 'Done.' }, { text: 'Done.' }] });
  t.is(
    (await b.run({ verify_command: 'true', time_limit_ms: 90 * 60_000, max_turns: 150, spent_usd: 0.5 })).status,
    'succeeded',
  );
  t.regex(
    b.model.requests[0]?.raw.toString() ?? '',
    /You have 90 min, 150 turns and \$4\.50; the check at the end counts too/,
  );
  b.messages.say('Go on.');
  await b.run({ time_limit_ms: 30 * 60_000, max_turns: 20, spent_usd: 1 });
  t.regex(
    JSON.stringify(b.model.requests[1]?.body?.messages.at(-1)),
    /From now on you have 30 min, 20 turns and \$4\.00\./,
  );
});

test('no turn begins once the time is up', async (t) => {
  const limits = new AttemptLimits({ ...LIMITS, time_limit_ms: 50 });
  const { promise: time_is_up, resolve } = Promise.withResolvers<void>();
  limits.deadline.addEventListener('abort', () => resolve());
  await time_is_up;
  t.throws(() => limits.beginTurn(), { message: /time limit/ });
});

test('the model is told what its budget has left, as the responses say', async (t) => {
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
