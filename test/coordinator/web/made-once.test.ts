import test from 'ava';
import type { Locator } from 'playwright-core';
import { endTask, runTask } from '../../support/fixtures.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';

/** Two touches before the app can draw what the first one did. */
const touchTwice = (button: Locator) =>
  button.evaluate((element: HTMLElement) => {
    element.click();
    element.click();
  });

const SCHEDULE = {
  name: 'Updates',
  prompt: 'Update',
  repo_url: 'errand://sample',
  cron: '0 3 * * *',
  time_zone: 'UTC',
};

test('who runs a schedule again after a lost answer gets the errand of the first touch', async (t) => {
  t.timeout(120_000);
  const { server, api, page, network } = await openAppLoggedIn(t);
  const { id } = await api.call('createSchedule', { body: SCHEDULE });
  await page.goto(`${network.url}/settings/schedules/${id}`);
  const run = page.getByRole('button', { name: 'Run now' });
  await run.waitFor();
  await page.route(/\/runs$/, async (route) => {
    if (route.request().method() !== 'POST') return route.continue();
    await route.fetch();
    return route.abort();
  });
  await run.click();
  await page.getByText('The server cannot be reached now.').waitFor();
  await page.unroute(/\/runs$/);
  const tasks = async () => (await api.call('listTasks', {})).items;
  const [first] = await tasks();
  runTask(server.log, first?.id ?? '');
  endTask(server.log, first?.id ?? '');
  await run.click();
  await page.getByRole('link', { name: /Done, by hand/ }).waitFor();
  t.is((await tasks()).length, 1);
  // The next touch is another run.
  await run.click();
  await until('there is another errand', async () => (await tasks()).length === 2);
});

test('two touches on a button that runs a schedule run it once', async (t) => {
  t.timeout(120_000);
  const { api, page, network, faults } = await openAppLoggedIn(t);
  const { id } = await api.call('createSchedule', { body: SCHEDULE });
  await page.goto(`${network.url}/settings/schedules/${id}`);
  await touchTwice(page.getByRole('button', { name: 'Run now' }));
  await page.getByRole('link', { name: /by hand/ }).waitFor();
  t.is(await page.getByText('The errand before has not ended').count(), 0);
  t.deepEqual(faults, []);
});

test('two touches send the sample errand once', async (t) => {
  t.timeout(120_000);
  const { api, page, faults } = await openAppLoggedIn(t);
  await touchTwice(page.locator('.empty .primary'));
  await page.locator('.task:not(.unsent)').first().waitFor();
  await until('nothing waits', async () => (await page.locator('.unsent').count()) === 0);
  t.is((await api.call('listTasks', {})).items.length, 1);
  t.deepEqual(faults, []);
});
