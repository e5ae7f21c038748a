import test from 'ava';
import { openWebApp } from '../../../coordinator/web/build.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { openBrowser } from '../../support/web/browser.ts';

test.serial('a part of the app that the server does not have any more is told, and a reload mends it', async (t) => {
  t.timeout(60_000);
  const app = await openWebApp();
  const server = await startApi(t, {}, undefined, undefined, app);
  const { session } = await server.person();
  const { context, open } = await openBrowser(t);
  const { page } = await open();
  const entry = /src="app\/([^"]+)"/.exec(app.pageAt('/')?.body.toString() ?? '')?.[1] ?? t.fail();
  await context.route('**/app/part-*.js', (route) =>
    route.request().url().endsWith(`/${entry}`) ? route.continue() : route.fulfill({ status: 404 }),
  );
  await page.goto(server.url);
  await page.getByText('A part of the app could not be loaded').waitFor();
  await context.unrouteAll();
  await page.getByRole('button', { name: 'Reload' }).click();
  await page.getByText('A part of the app could not be loaded').waitFor({ state: 'detached' });
  await page.fill('input[name=email]', session.user.email);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.getByText('live', { exact: true }).first().waitFor();
  t.is(await page.getByText('A part of the app could not be loaded').count(), 0);
});
