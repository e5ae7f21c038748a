import test from 'ava';
import { pathOf, ROUTES, type RouteName } from '../../../coordinator/web/store/routes.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';

test('each address of the app opens without a network', async (t) => {
  t.timeout(120_000);
  const { api, network, page } = await openAppLoggedIn(t);
  const { id } = await sendErrand(api);
  await page.locator('.task').first().waitFor();
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');
  network.offline = true;
  network.cut();
  for (const name of Object.keys(ROUTES) as RouteName[]) {
    const address = network.url + pathOf(name, { id });
    const opened = page.goto(address).then(() => page.locator('.screen > *, .access > *').first().waitFor());
    await t.notThrowsAsync(opened, name);
  }
});
