import test from 'ava';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test('what is read without a network is unread everywhere until the server knows, and then nowhere', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Mend the lamp' }));
  errand.begin();
  errand.succeed({ summary: 'It shines.' });
  const row = page.locator('.task', { hasText: 'Mend the lamp' });
  const unread = async () => (await api.call('getTask', { params: { id: errand.id } })).unread;
  await page.locator('.task .dot').waitFor();
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');
  network.offline = true;
  network.cut();
  await row.click();
  await page
    .getByText(/^(offline|server away) since/)
    .first()
    .waitFor();
  await page.getByRole('button', { name: 'Back' }).click();
  await page.locator('.task .dot').waitFor();
  t.true(await unread());

  await row.click();
  await page.locator('.talk').waitFor();
  network.offline = false;
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await until('the server knows', async () => (await unread()) === false);
  await page.getByRole('button', { name: 'Back' }).click();
  await row.waitFor();
  await page.locator('.task .dot').waitFor({ state: 'detached' });
});
