import test from 'ava';
import { backoffMs, retry } from '../../../agent-container/base/retry.ts';

const never = new AbortController().signal;

/** A call that fails the given number of times, and then resolves with the number of calls so far. */
function failing(times: number) {
  let calls = 0;
  return async () => {
    if (++calls <= times) throw new Error(`failure ${calls}`);
    return calls;
  };
}

test('a call is repeated until it succeeds', async (t) => {
  const failures: number[] = [];
  const delayMs = (_: unknown, n: number) => {
    failures.push(n);
    return 0;
  };
  t.is(await retry(failing(3), delayMs, never), 4);
  t.deepEqual(failures, [1, 2, 3]);
});

test('the error of the call is thrown once there is no delay for it', async (t) => {
  await t.throwsAsync(
    retry(failing(9), (_, failures) => (failures < 3 ? 0 : null), never),
    { message: 'failure 3' },
  );
});

test('an abort ends the wait with the reason of the signal', async (t) => {
  const stop = new AbortController();
  const retrying = retry(failing(9), () => 60_000, stop.signal);
  setImmediate(() => stop.abort(new Error('stop')));
  await t.throwsAsync(retrying, { message: 'stop' });
});

test('the backoff doubles up to its maximum, with at most half of it taken off', (t) => {
  const backoff = { first_ms: 100, max_ms: 1_000 };
  for (const [failures, full_ms] of [
    [1, 100],
    [3, 400],
    [5, 1_000],
    [5_000, 1_000],
  ] as const)
    for (let i = 0; i < 100; i++) {
      const ms = backoffMs(backoff, failures);
      t.true(ms >= full_ms / 2 && ms <= full_ms, `${ms} ms after ${failures} failures`);
    }
});
