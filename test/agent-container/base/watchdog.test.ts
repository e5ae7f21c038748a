import test from 'ava';
import { Watchdog } from '../../../agent-container/base/watchdog.ts';
import { until } from '../../support/until.ts';

test('a watchdog fires once when nothing touches it, and again after the next touch', async (t) => {
  let idle = 0;
  const watchdog = new Watchdog(20, () => idle++);
  t.teardown(() => watchdog.stop());
  watchdog.touch();
  await until('it has fired', () => idle === 1);
  watchdog.touch();
  await until('it has fired again', () => idle === 2);
  t.pass();
});

test('a watchdog that is touched in time does not fire', async (t) => {
  let idle = 0;
  const watchdog = new Watchdog(1_000, () => idle++);
  t.teardown(() => watchdog.stop());
  const started = performance.now();
  await until('the time has passed several times', () => {
    watchdog.touch();
    return performance.now() - started > 2_000;
  });
  t.is(idle, 0);
});

test('a watchdog that is stopped does not fire', async (t) => {
  let idle = 0;
  const stopped = new Watchdog(10, () => idle++);
  const other = Promise.withResolvers<void>();
  stopped.touch();
  stopped.stop();
  const later = new Watchdog(50, other.resolve);
  later.touch();
  const keep_alive = setInterval(() => undefined, 1_000);
  t.teardown(() => clearInterval(keep_alive));
  await other.promise;
  t.is(idle, 0);
});
