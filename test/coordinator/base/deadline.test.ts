import test from 'ava';
import { pause } from '../../../coordinator/base/deadline.ts';

test('a pause that a signal ends rejects with the reason of the signal', async (t) => {
  const late = new AbortController();
  const paused = pause(60_000, late.signal);
  const reason = new DOMException('It took too long.', 'TimeoutError');
  late.abort(reason);
  t.is(await t.throwsAsync(paused, { any: true }), reason);
  t.is(await t.throwsAsync(pause(60_000, late.signal), { any: true }), reason);
});
