import test from 'ava';
import type { Page } from 'playwright-core';
import { sendErrand } from '../../support/send-errand.ts';
import type { Api } from '../../support/api.ts';
import type { StartedApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const row = (page: Page, name: string) => page.locator('.task', { hasText: name });
/** Whether the focus is in this row. */
const isIn = (page: Page, name: string) =>
  until(`the focus is at ${name}`, () => row(page, name).evaluate((one) => one.contains(document.activeElement)));

async function done(server: StartedApi, api: Api, prompt: string): Promise<void> {
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt }));
  errand.begin();
  errand.succeed({ summary: `Summary of: ${prompt}` });
}

async function asks(server: StartedApi, api: Api, prompt: string): Promise<LivelyErrand> {
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt }));
  errand.begin();
  errand.ask('Which?', ['Up', 'Down']);
  return errand;
}

async function act(page: Page, name: string, choice: string): Promise<void> {
  await page.getByRole('button', { name: `Actions: ${name}` }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: choice }).focus();
  await page.keyboard.press('Enter');
}

test.serial('the focus goes on at the next errand when one was archived, deleted or answered', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t, { size: DESK });
  for (const name of ['Oldest', 'Older', 'Newer', 'Newest']) await done(server, api, name);
  await page.getByText('Summary of: Newest').waitFor();
  await act(page, 'Newest', 'Archive');
  await isIn(page, 'Newer');
  await act(page, 'Newer', 'Delete');
  const confirm = page.getByRole('dialog', { name: 'Delete this errand?' });
  await confirm.getByText('Newer', { exact: true }).waitFor();
  await confirm.getByRole('button', { name: 'Delete' }).focus();
  await page.keyboard.press('Enter');
  await isIn(page, 'Older');
  await act(page, 'Oldest', 'Archive');
  await isIn(page, 'Older');

  const [, first] = await Promise.all(['Second', 'First'].map((name) => asks(server, api, name)));
  await row(page, 'First').getByRole('button', { name: 'Up' }).focus();
  await page.keyboard.press('Enter');
  await row(page, 'First').locator('.decision').waitFor({ state: 'detached', timeout: 30_000 });
  await isIn(page, 'First');
  first?.succeed({});
  await isIn(page, 'Second');
  t.deepEqual(faults, []);
});
