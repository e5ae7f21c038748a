import test from 'ava';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';

test('the sheet with a log-in link says once another device is logged in, and shows the link no more', async (t) => {
  t.timeout(60_000);
  const { api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  await page.goto(`${network.url}/settings`);
  const looked = page.waitForResponse((response) => response.url().includes('/auth/sessions'));
  await page.getByRole('button', { name: 'Add a phone' }).click();
  const link = page.locator('.link-text');
  const code = /#login=(.+)$/.exec((await link.textContent()) ?? '')?.[1] ?? '';
  await looked;
  t.is(await page.getByText('The other device is logged in.').count(), 0);
  await api.call('linkLogin', { body: { code } });
  await page.getByText('The other device is logged in.').waitFor();
  t.is(await link.count(), 0);
  t.deepEqual(faults, []);
});
