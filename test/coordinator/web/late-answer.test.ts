import test from 'ava';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';

test.serial('an answer that comes late does not take a person away from where they went meanwhile', async (t) => {
  t.timeout(60_000);
  const { api, network, page, faults } = await openAppLoggedIn(t);
  await page.goto(`${network.url}/settings`);
  await page.getByRole('link', { name: /Projects/ }).click();
  await page.getByRole('link', { name: /Add project/ }).click();
  await page.getByLabel('Name', { exact: true }).fill('Bills');
  await page.getByLabel(/^Repository/).fill('https://example.org/bills.git');

  const asked = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  await page.route('**/projects', async (route) => {
    if (route.request().method() === 'POST') {
      asked.resolve();
      await released.promise;
    }
    await route.continue();
  });
  await page.keyboard.press('Enter');
  await asked.promise;
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('s');
  const link = page.getByRole('link', { name: /Notifications/ });
  await link.waitFor();
  const read = page.waitForResponse(
    (response) => /projects/.test(response.url()) && response.request().method() === 'GET',
  );
  released.resolve();
  await (await read).finished();
  t.is((await api.call('listProjects', {})).items.length, 1);
  await link.click();
  await page.waitForURL(/notifications$/);
  t.deepEqual(faults, []);
});
