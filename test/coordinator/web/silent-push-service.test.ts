import test from 'ava';
import type { Page } from 'playwright-core';
import type { Api } from '../../support/api.ts';
import { until } from '../../support/until.ts';
import { openNotifications } from './push-scene.ts';

const hang = (page: Page) => page.evaluate(() => localStorage.setItem('hangs', 'yes'));
const button = (page: Page, name: string) => page.getByRole('button', { name });
const isListed = async (api: Api) =>
  (await api.call('listSessions', {})).items.some(({ user_agent }) => user_agent?.startsWith('Mozilla/'));

test.serial('the server is told at once of a device that is not to be notified any more', async (t) => {
  const { api, page } = await openNotifications(t);
  await hang(page);
  await button(page, 'Turn off').click();
  await page.getByText('Off on this device.').waitFor();
  t.deepEqual((await api.call('listChannels', {})).items, []);
});

test.serial('a log-out shows nothing of the person, and ends their log-in on the server', async (t) => {
  const { api, page, network } = await openNotifications(t);
  await hang(page);
  await page.goto(`${network.url}/settings`);
  await button(page, 'Log out').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Log out' }).click();
  await page.locator('input[name=password]').waitFor();
  await until('the server knows', async () => !(await isListed(api)));
  t.is(await page.getByText('Log out').count(), 0);
});

test.serial('a log-in in place of another one comes, and cannot be left for the other one meanwhile', async (t) => {
  const { server, api, page, network } = await openNotifications(t);
  await hang(page);
  const bob = await server.person('bob@example.org');
  const { code } = await bob.api.call('createLoginLink', {});
  await page.goto('about:blank');
  await page.goto(`${network.url}/#login=${code}`);
  await button(page, 'Log in on this device').click();
  await page.waitForFunction(() => document.querySelector<HTMLButtonElement>('button.quiet')?.disabled);
  await page.getByText('live', { exact: true }).first().waitFor();
  await until('the other log-in has ended', async () => !(await isListed(api)));
  t.is(await page.getByText('Log in on this device').count(), 0);
});
