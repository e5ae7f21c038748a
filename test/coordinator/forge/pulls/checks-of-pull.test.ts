import test from 'ava';
import { checksOf } from '../../../../coordinator/forge/pulls/checks-of-pull.ts';
import type { Check } from '../../../../coordinator/forge/forge.ts';

const check = (name: string, state: Check['state']): Check => ({ id: name, name, state, url: null, log_id: null });
const stored = (items: Check[], cut = false) => checksOf({ items, cut, missing: [] }, 'forge.example');

test('of many that have not passed, those that failed are named first', (t) => {
  const cancelled = Array.from({ length: 15 }, (_, n) => check(`test (${n})`, 'cancelled'));
  const { checks } = stored([...cancelled, check('licence', 'needs_action'), check('test (15)', 'failed')]);
  t.is(checks?.failed_names.length, 10);
  t.deepEqual(checks?.failed_names.slice(0, 3), ['test (15)', 'licence', 'test (0)']);
  t.deepEqual(checks?.failed_states?.slice(0, 3), ['failed', 'needs_action', 'cancelled']);
});

test('a cancelled check does not say how those are that are not read', (t) => {
  const unread = stored([check('lint', 'passed'), check('test', 'cancelled')], true);
  t.is(unread.checks, null);
  t.regex(unread.problem ?? '', /has more checks .* look there whether all have passed/);
  t.like(stored([check('lint', 'passed'), check('test', 'cancelled')]), { checks: { cancelled: 1 }, problem: null });
  t.like(stored([check('lint', 'failed'), check('test', 'cancelled')], true), { checks: { failed: 1 }, problem: null });
});
