import test from 'ava';
import type { Route } from 'playwright-core';
import { until } from '../../support/until.ts';
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

test('the sheet asks one at a time whether a device is logged in, and only while it can be seen and none is', async (t) => {
  t.timeout(60_000);
  const { api, page, network } = await openAppLoggedIn(t, { size: PHONE });
  await page.goto(`${network.url}/settings`);
  // The page itself has read the devices by then.
  await page.locator('.devices li').first().waitFor();
  await page.clock.install();
  const looks: Route[] = [];
  await page.route(/\/auth\/sessions/, (route) => void looks.push(route));
  const look = (nth: number) => until('it looks', () => looks[nth - 1]);
  const show = (visibility: 'visible' | 'hidden') =>
    page.evaluate((value) => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, value });
      document.dispatchEvent(new Event('visibilitychange'));
    }, visibility);
  await page.getByRole('button', { name: 'Add a phone' }).click();
  const link = page.locator('.link-text');
  const code = /#login=(.+)$/.exec((await link.textContent()) ?? '')?.[1] ?? '';
  const first = await look(1);
  await page.clock.runFor(10_000);
  t.is(looks.length, 1, 'the first look has no answer yet');
  await api.call('linkLogin', { body: { code } });
  await show('hidden');
  await first.fulfill({ status: 404, contentType: 'application/json', body: '{}' });
  await page.clock.runFor(10_000);
  t.is(looks.length, 1, 'nobody sees it');
  await show('visible');
  await (await look(2)).continue();
  await page.getByText('The other device is logged in.').waitFor();
  await page.clock.runFor(10_000);
  t.is(looks.length, 2, 'it has arrived');
});
