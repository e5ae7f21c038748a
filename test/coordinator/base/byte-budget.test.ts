import test from 'ava';
import { ByteBudget } from '../../../coordinator/base/byte-budget.ts';
import { ErrandError } from '../../../protocol/problem.ts';

/** A budget with a clock that the test sets. */
function budget() {
  const clock = { ms: 0 };
  const budget = new ByteBudget({ bytes_per_s: 100, burst_bytes: 1_000, time_share: 0.25 }, () => clock.ms);
  const wait = (key: string) => {
    try {
      budget.admit(key);
      return 0;
    } catch (error) {
      return error instanceof ErrandError && error.code === 'rate_limited' ? error.retry_after_s : error;
    }
  };
  return { budget, wait, later: (ms: number) => (clock.ms += ms) };
}

test('what a body takes beyond the burst is paid back before the next one', (t) => {
  const { budget: spent, wait, later } = budget();
  spent.spend('a', 1_500);
  t.is(wait('a'), 5);
  t.is(wait('b'), 0);
  later(4_900);
  t.is(wait('a'), 1);
  later(200);
  t.is(wait('a'), 0);
});

test('bodies that were admitted at once are refused halfway once they owe more than a burst', (t) => {
  const { budget: spent } = budget();
  spent.spend('a', 1_900);
  t.throws(() => spent.spend('a', 101), { instanceOf: ErrandError, message: /Too much data/ });
});

test('the time that a body takes counts as much as the bytes that could be sent in it', (t) => {
  const { budget: spent, wait, later } = budget();
  spent.spendTime('a', 2_500);
  t.is(wait('a'), 1);
  later(10);
  t.is(wait('a'), 0);
});

test('the budgets of many keys take no more room than a fixed number, and the debtors are kept', (t) => {
  const { budget: spent, wait } = budget();
  spent.spend('debtor', 1_500);
  for (let i = 0; i < 20_000; i++) wait(`key ${i}`);
  t.is(wait('debtor'), 5);
});
