import test from 'ava';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';

test.serial(
  'a device whose service worker could not be installed says so when notifications are turned on',
  async (t) => {
    t.timeout(60_000);
    const { context, page, network } = await openAppLoggedIn(t, { whole: true });
    await context.grantPermissions(['notifications'], { origin: network.url });
    await context.addInitScript(() => {
      ServiceWorkerContainer.prototype.register = () => Promise.reject(new TypeError('It cannot be fetched.'));
    });
    await page.evaluate(async () => void (await (await navigator.serviceWorker.ready).unregister()));
    await page.goto('about:blank');
    await page.goto(`${network.url}/settings/notifications`);
    await page.getByRole('button', { name: 'Turn on notifications' }).click();
    await page.getByText('A part of the app could not be loaded').waitFor();
    t.is(await page.getByText('On: this device is told').count(), 0);
  },
);
