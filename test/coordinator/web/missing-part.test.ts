import test from 'ava';
import { openWebApp } from '../../../coordinator/web/build.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { openBrowser } from '../../support/web/browser.ts';

const MISSING = 'A part of the app could not be loaded';

test.serial('a part of the app that the server does not have any more is told, and a reload mends it', async (t) => {
  t.timeout(60_000);
  const app = await openWebApp();
  const server = await startApi(t, {}, undefined, undefined, app);
  const { session } = await server.person();
  const { context, open } = await openBrowser(t);
  const { page } = await open();
  const entry = /src="app\/([^"]+)"/.exec(app.pageAt('/')?.body.toString() ?? '')?.[1] ?? t.fail();
  const lose = () =>
    context.route('**/app/part-*.js', (route) =>
      route.request().url().endsWith(`/${entry}`) ? route.continue() : route.fulfill({ status: 404 }),
    );
  const mend = async (): Promise<void> => {
    await context.unrouteAll();
    await page.getByRole('button', { name: 'Reload' }).click();
    await page.getByText(MISSING).waitFor({ state: 'detached' });
  };
  await lose();
  await page.goto(server.url);
  await page.getByText(MISSING).waitFor();
  await mend();
  await page.fill('input[name=email]', session.user.email);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.getByText('live', { exact: true }).first().waitFor();
  t.is(await page.getByText(MISSING).count(), 0);

  // Somebody who is logged in sees what the device knows, and is not told that the server is away.
  await page.evaluate(async () => {
    for (const each of await navigator.serviceWorker.getRegistrations()) await each.unregister();
  });
  await lose();
  await page.reload();
  await page.getByText(MISSING).waitFor();
  await page.locator('.live.off', { hasText: 'not connected' }).waitFor();
  await mend();
  await page.getByText('live', { exact: true }).first().waitFor();
});
