import test from 'ava';
import { RateLimit } from '../../../coordinator/worker-api/rate-limit.ts';
import { ErrandError } from '../../../protocol/problem.ts';

test('allows so many uses at once, and as many a minute, to each key', (t) => {
  let now = 0;
  const limit = new RateLimit(60, 'Too many.', () => now);
  const takes = (key: string): number => {
    for (let count = 0; ; count++)
      try {
        limit.take(key);
      } catch (error) {
        if (!(error instanceof ErrandError)) throw error;
        t.like(error, { code: 'rate_limited', message: 'Too many.', retry_after_s: 1 });
        return count;
      }
  };
  t.is(takes('a'), 60);
  t.is(takes('a'), 0);
  t.is(takes('b'), 60);
  now += 999;
  t.is(takes('a'), 0);
  now += 1;
  t.is(takes('a'), 1);
  now += 30_000;
  t.is(takes('a'), 30);
  now += 3_600_000;
  t.is(takes('a'), 60);
  // Refused uses do not count, so that one that waits as told gets through.
  for (let i = 0; i < 1_000; i++) t.throws(() => limit.take('a'));
  now += 1_000;
  t.is(takes('a'), 1);
});
