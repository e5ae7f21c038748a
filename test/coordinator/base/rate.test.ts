import test from 'ava';
import { Rate } from '../../../coordinator/base/rate.ts';
import { ErrandError } from '../../../protocol/problem.ts';

function setUp(per_minute: number) {
  const clock = { ms: 1_700_000_000_000 };
  const rate = new Rate(per_minute, 'Too often.', () => clock.ms);
  /** How many of `count` are let through. */
  const taken = (count: number, key = 'a'): number => {
    let taken = 0;
    for (let n = 0; n < count; n++)
      try {
        rate.take(key);
        taken += 1;
      } catch (error) {
        if (!(error instanceof ErrandError && error.code === 'rate_limited')) throw error;
      }
    return taken;
  };
  return { clock, rate, taken };
}

for (const per_minute of [1, 7, 60, 1000])
  test(`${per_minute} a minute are let through at once, and as many in each minute after`, (t) => {
    const { clock, taken } = setUp(per_minute);
    t.is(taken(per_minute * 3), per_minute);
    t.is(taken(per_minute * 3, 'another'), per_minute);
    for (let minute = 0; minute < 5; minute++) {
      let through = 0;
      for (let step = 0; step < 60; step++) {
        clock.ms += 1000;
        through += taken(per_minute);
      }
      t.is(through, per_minute);
    }
    clock.ms += 3600_000;
    t.is(taken(per_minute * 3), per_minute, 'an hour of rest saves up no more');
  });

test('who comes too often is told when to come back, and is let through then', (t) => {
  const { clock, rate, taken } = setUp(6);
  taken(6);
  const error = t.throws(() => rate.take('a'), {
    instanceOf: ErrandError,
    code: 'rate_limited',
    message: 'Too often.',
  });
  t.is(error?.retry_after_s, 10);
  clock.ms += 10_000;
  t.is(taken(2), 1);
});

test('a clock that is put back blocks nobody for longer than two minutes', (t) => {
  const { clock, taken } = setUp(6);
  taken(6);
  clock.ms -= 24 * 3600_000;
  t.is(taken(100), 6);
});

test('counting without asking never blocks a key for longer than two minutes', (t) => {
  const { clock, rate, taken } = setUp(6);
  for (let n = 0; n < 10_000; n++) rate.use('a');
  clock.ms += 120_000;
  t.is(taken(100), 6);
});
