import test from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';

test('a long search is cut, and does not say that the server cannot be reached', async (t) => {
  t.timeout(60_000);
  const { page, faults } = await openAppLoggedIn(t);
  await page.getByRole('button', { name: 'Search' }).click();
  const search = page.getByRole('searchbox');
  await search.focus();
  const answered = page.waitForResponse(/\/tasks\?.*q=/);
  await page.keyboard.insertText('lamp '.repeat(400));
  t.is((await answered).status(), 200);
  t.is((await search.inputValue()).length, LIMITS.search_chars_max);
  t.is(await page.getByText('the server cannot be reached').count(), 0);
  t.deepEqual(faults, []);
});
