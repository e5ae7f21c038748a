import test from 'ava';
import { GitSlots } from '../../../../coordinator/worker-api/git/git-slots.ts';

const never = new AbortController().signal;

test('no more than the limit run at once, and one task never has them all', async (t) => {
  const slots = new GitSlots({ at_once_max: 3, of_one_max: 2 });
  const running: string[] = [];
  const begin = async (key: string) => {
    const giveBack = await slots.take(key, never);
    running.push(key);
    return () => {
      running.splice(running.indexOf(key), 1);
      giveBack();
      giveBack();
    };
  };
  const hogs = Array.from({ length: 20 }, () => begin('hog'));
  const [first] = await Promise.all(hogs.slice(0, 2));
  t.deepEqual(running, ['hog', 'hog']);
  const other = await begin('other');
  const third = begin('third');
  t.deepEqual(running, ['hog', 'hog', 'other']);
  first?.();
  (await third)();
  other();
  await hogs[2];
  t.deepEqual(running.toSorted(), ['hog', 'hog']);
  t.is(hogs.length, 20);
});

test('a request that ends while it waits takes no slot', async (t) => {
  const slots = new GitSlots({ at_once_max: 1, of_one_max: 1 });
  const giveBack = await slots.take('a', never);
  const gone = new AbortController();
  const waiting = slots.take('b', gone.signal);
  gone.abort();
  await t.throwsAsync(waiting, { code: 'unavailable' });
  const next = slots.take('c', never);
  giveBack();
  (await next)();
  await t.throwsAsync(slots.take('d', AbortSignal.abort()), { code: 'unavailable' });
  (await slots.take('e', never))();
});
