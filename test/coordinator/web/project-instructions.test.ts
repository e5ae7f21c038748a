import test from 'ava';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';

test('standing instructions are written, changed and emptied in the form of their project', async (t) => {
  t.timeout(60_000);
  const { api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const { id } = await api.call('createProject', { body: { name: 'Shop', repo_url: 'errand://sample' } });
  const field = page.getByLabel('Standing instructions');
  const save = async (text: string) => {
    await page.goto(`${network.url}/settings/projects/${id}`);
    await field.fill(text);
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('link', { name: /Shop/ }).waitFor();
    return (await api.call('getProject', { params: { id } })).instructions;
  };
  t.is(await save('Answer in German.\nNever touch legacy.'), 'Answer in German.\nNever touch legacy.');
  await page.goto(`${network.url}/settings/projects/${id}`);
  t.is(await field.inputValue(), 'Answer in German.\nNever touch legacy.');
  await field.fill('x'.repeat(8_001));
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('.wrong', { has: page.locator('textarea[name=instructions]') }).waitFor();
  t.is(await save(''), null);
  t.deepEqual(faults, []);
});
