import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import test from 'ava';
import { openWebApp } from '../../../coordinator/web/build.ts';
import { listPendingMessages } from '../../../coordinator/sqlite/messages.ts';
import type { Ends } from '../../support/folder.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { openBrowser } from '../../support/web/browser.ts';
import { startFaultyProxy, type FaultyProxy } from '../../support/web/faulty-proxy.ts';

test.serial(
  'where the log-in of a proxy has expired the app leads to it, and what was said is sent afterwards',
  async (t) => {
    t.timeout(120_000);
    const server = await startApi(t, {}, undefined, undefined, await openWebApp());
    const proxy = await startFaultyProxy(t, server.url);
    const { api, session } = await server.person();
    const { id } = await sendErrand(api);
    const { open } = await openBrowser(t);
    const { page } = await open();
    await page.goto(proxy.url);
    await page.fill('input[name=email]', session.user.email);
    await page.fill('input[name=password]', PASSWORD);
    await page.click('button[type=submit]');
    await page.getByText('live', { exact: true }).first().waitFor();
    await page.goto(`${proxy.url}/errands/${id}`);
    await page.getByText('live', { exact: true }).first().waitFor();
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));

    proxy.redirect = await startLogIn(t, proxy);
    proxy.cut();
    const link = page.getByRole('link', { name: 'log in at the proxy' }).first();
    await link.waitFor();
    await page.locator('textarea.composer-field').fill('Said behind the proxy');
    await page.locator('textarea.composer-field').press('ControlOrMeta+Enter');
    await page.locator('.unsent .mine').waitFor();
    await link.click();
    await page.getByRole('link', { name: 'Log in here' }).click();
    await page.getByText('live', { exact: true }).first().waitFor();
    const said = () => listPendingMessages(server.db, id).map(({ text }) => text);
    await until('it is sent', () => said().length > 0 || undefined);
    t.deepEqual(said(), ['Said behind the proxy']);
  },
);

/** A page elsewhere that logs in at the proxy. Resolves with its address. */
async function startLogIn(t: Ends, proxy: FaultyProxy): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url !== '/done')
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<a href="/done">Log in here</a>');
    proxy.redirect = undefined;
    response.writeHead(302, { location: `${proxy.url}/?from-server` }).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/log-in`;
}
