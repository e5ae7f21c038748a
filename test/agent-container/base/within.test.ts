import test from 'ava';
import { within } from '../../../agent-container/base/within.ts';

test('the value of a promise is given if it settles in time', async (t) => {
  t.is(await within(60_000, Promise.resolve('value')), 'value');
  await t.throwsAsync(within(60_000, Promise.reject(new Error('failed'))), { message: 'failed' });
});

test('undefined is given once the time is up', async (t) => {
  t.is(await within(5, new Promise<string>(() => {})), undefined);
});
