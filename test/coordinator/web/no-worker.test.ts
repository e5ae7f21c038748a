import type { ServerResponse } from 'node:http';
import test from 'ava';
import { PASSWORD } from '../../support/start-api.ts';
import { openApp, openAppLoggedIn } from '../../support/web/app-scene.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';

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

test.serial('a device whose service worker cannot be installed meanwhile says so too', async (t) => {
  t.timeout(60_000);
  const { server, session, context, page } = await openApp(t, { whole: true });
  const proxy = await startFaultyProxy(t, server.url);
  await context.grantPermissions(['notifications'], { origin: proxy.url });
  const held = Promise.withResolvers<ServerResponse>();
  let asks = 0;
  // The first file that the service worker asks for, to keep it.
  proxy.answer = ({ headers }, response) => {
    if (headers.accept !== 'text/html,*/*;q=0.1' || asks++ > 0) return false;
    held.resolve(response);
    return true;
  };
  await page.goto(proxy.url);
  await page.fill('input[name=email]', session.user.email);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.getByText('live', { exact: true }).first().waitFor();
  await page.goto(`${proxy.url}/settings/notifications`);
  const asked = page.waitForResponse(/\/push-key$/);
  await page.getByRole('button', { name: 'Turn on notifications' }).click();
  await asked;
  (await held.promise).writeHead(500).end();
  await page.getByText('A part of the app could not be loaded').waitFor();
  t.is(await page.getByText('On: this device is told').count(), 0);
});
