import { join } from 'node:path';
import test from 'ava';
import type { Page } from 'playwright-core';
import type { Api } from '../../support/api.ts';
import type { CuttingProxy } from '../../support/cutting-proxy.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { sendErrand } from '../../support/send-errand.ts';
import type { StartedApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { logIn, openApp, openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const SHOTS = process.env['ERRAND_TEST_SHOTS'];

const row = (page: Page, name: string) => page.locator('.task', { hasText: name });
const shot = async (page: Page, name: string) =>
  SHOTS === undefined ? undefined : page.screenshot({ path: join(SHOTS, `${name}.png`) });

async function done(server: StartedApi, api: Api, prompt: string): Promise<LivelyErrand> {
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt }));
  errand.begin();
  errand.succeed({ summary: `Summary of: ${prompt}` });
  return errand;
}

/** Chooses something in the sheet of a row. */
async function act(page: Page, name: string, choice: string): Promise<void> {
  await page.getByRole('button', { name: `Actions: ${name}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: choice }).click();
}

async function goOffline(page: Page, network: CuttingProxy): Promise<void> {
  network.offline = true;
  network.cut();
  await page
    .getByText(/^(offline|server away) since/)
    .first()
    .waitFor();
}

test.serial('what is archived is out of the list, under Archived, found by a search, and can come back', async (t) => {
  t.timeout(120_000);
  const { server, api, page, context, network, faults } = await openAppLoggedIn(t);
  const lamp = await done(server, api, 'Mend the lamp');
  await done(server, api, 'Paint the wall');
  const other = await context.newPage();
  await other.goto(network.url);
  await row(other, 'Mend the lamp').waitFor();
  for (const name of ['lamp', 'wall']) await page.getByText(new RegExp(`Summary of: .* ${name}`)).waitFor();
  await act(page, 'Mend the lamp', 'Archive');
  await row(page, 'Mend the lamp').waitFor({ state: 'detached' });
  await row(other, 'Mend the lamp').waitFor({ state: 'detached' });
  t.is(await row(page, 'Paint the wall').count(), 1);

  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('searchbox').fill('lamp');
  await page.getByRole('heading', { name: 'Archived' }).waitFor();
  t.is(await row(page, 'Mend the lamp').count(), 1);
  await shot(page, 'archive-search');
  await page.getByRole('button', { name: 'Search' }).click();

  await page.getByRole('link', { name: 'Archived' }).click();
  await row(page, 'Mend the lamp').waitFor();
  t.is(await row(page, 'Paint the wall').count(), 0);
  await shot(page, 'archive');
  await act(page, 'Mend the lamp', 'Back to the list');
  await page.getByText('Nothing is archived').waitFor();
  await shot(page, 'archive-empty');
  await page.getByRole('button', { name: 'Back' }).click();
  await row(page, 'Mend the lamp').click();
  await page.getByRole('button', { name: 'Details' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click();
  await page.waitForURL((url) => url.pathname === '/');
  await row(page, 'Mend the lamp').waitFor({ state: 'detached' });
  // What goes on is back by itself.
  await api.call('createMessage', { params: { id: lamp.id }, body: { text: 'And the cable?' } });
  await row(page, 'Mend the lamp').waitFor();
  t.deepEqual(faults, []);
});

test.serial('without a network an errand is archived at once, and on the server once it is back', async (t) => {
  t.timeout(120_000);
  const { server, api, page, network } = await openAppLoggedIn(t);
  const { id } = await done(server, api, 'Mend the lamp');
  await page.getByText('Summary of').waitFor();
  // The first touch brings the part that the sheet needs.
  await page.getByRole('button', { name: 'Actions: Mend the lamp' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await goOffline(page, network);
  await act(page, 'Mend the lamp', 'Archive');
  await row(page, 'Mend the lamp').waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'Archived' }).click();
  await page.getByText('Only what this device knows').waitFor();
  await row(page, 'Mend the lamp').click();
  await page.getByText('Archive: waits to be sent').waitFor();
  await shot(page, 'archive-waits');
  network.offline = false;
  await until('the server has it', async () => (await api.call('getTask', { params: { id } })).archived === true);
  await page.getByText('Archive: waits to be sent').waitFor({ state: 'detached' });
  t.is((await api.call('listTasks', { query: { archived: 'false' } })).items.length, 0);
});

test.serial('what was archived is put back at a touch: from the list and from an errand, sent or not', async (t) => {
  t.timeout(120_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t);
  const { id } = await done(server, api, 'Mend the lamp');
  const isArchived = async () => (await api.call('getTask', { params: { id } })).archived === true;
  const undo = page.getByRole('button', { name: 'Undo' });
  await page.getByText('Summary of').waitFor();
  await act(page, 'Mend the lamp', 'Archive');
  await page.getByText('Archived: Mend the lamp').waitFor();
  await until('the server has it', isArchived);
  await shot(page, 'archive-undo');
  await undo.click();
  await row(page, 'Mend the lamp').waitFor();
  await until('the server has it back', async () => !(await isArchived()));
  t.is(await undo.count(), 0);

  await row(page, 'Mend the lamp').click();
  await page.getByRole('button', { name: 'Details' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Archive' }).click();
  await page.getByText('Archived: Mend the lamp').waitFor();
  await until('the server has it', isArchived);
  await undo.focus();
  await page.keyboard.press('Enter');
  await row(page, 'Mend the lamp').waitFor();
  await until('the server has it back', async () => !(await isArchived()));

  await goOffline(page, network);
  await act(page, 'Mend the lamp', 'Archive');
  await row(page, 'Mend the lamp').waitFor({ state: 'detached' });
  await undo.click();
  await row(page, 'Mend the lamp').click();
  await page.locator('.goal').waitFor();
  t.is(await page.getByText(/waits to be sent/).count(), 0, 'what was not sent is taken back');
  network.offline = false;
  await page.getByText('live', { exact: true }).waitFor();
  t.false(await isArchived());
  t.deepEqual(faults, []);
});

test.serial('what the server refuses of stop, try again and archive shows, and can be tried again', async (t) => {
  t.timeout(120_000);
  const { server, api, page, network } = await openAppLoggedIn(t);
  const broke = new LivelyErrand(server, await sendErrand(api, { prompt: 'Broke' }));
  broke.begin();
  broke.fail('verify_failed');
  await row(page, 'Broke').click();
  const again = page.getByRole('button', { name: 'Try again' });
  await again.waitFor();
  await goOffline(page, network);
  await again.click();
  await page.getByText('Try again: waits to be sent').waitFor();
  t.true(await again.isDisabled());
  // Meanwhile another device has done it.
  await api.call('retryTask', { params: { id: broke.id }, body: {} });
  network.offline = false;
  await page.getByText(/Try again: not accepted/).waitFor();
  await shot(page, 'retry-refused');
  await page.getByRole('button', { name: 'Dismiss' }).click();
  await page.getByText(/Try again: not accepted/).waitFor({ state: 'detached' });
});

test.serial('what the server refuses of an act in the list shows there, until it is dismissed', async (t) => {
  t.timeout(120_000);
  const { server, api, page } = await openAppLoggedIn(t);
  const spent = new LivelyErrand(server, await sendErrand(api, { prompt: 'Spent' }));
  spent.begin();
  spent.fail('budget_exhausted');
  const detail = 'Your budget of this month is spent.';
  await page.route('**/retry', (route) =>
    route.fulfill({
      status: 403,
      contentType: 'application/problem+json',
      body: JSON.stringify({ type: 'about:blank', title: 'Forbidden', status: 403, code: 'forbidden', detail }),
    }),
  );
  await page.getByRole('button', { name: '$2 more' }).click();
  const row = page.locator('.task.unsent', { hasText: 'Spent' });
  await row.getByText(`not accepted: ${detail}`).waitFor();
  await row.getByRole('button', { name: 'Dismiss' }).click();
  await row.waitFor({ state: 'detached' });
  t.pass();
});

test.serial('what the server refuses of an act on an errand that only the server lists shows too', async (t) => {
  t.timeout(120_000);
  const scene = await openApp(t);
  const { server, api, page, network, faults } = scene;
  const lamp = await done(server, api, 'Mend the lamp');
  await api.call('patchTask', { params: { id: lamp.id }, body: { archived: true } });
  await logIn(scene);
  const detail = 'The server is full.';
  const problem = { type: 'about:blank', title: 'Forbidden', status: 403, code: 'forbidden', detail };
  const refusal = { status: 403, contentType: 'application/problem+json', body: JSON.stringify(problem) };
  await page.route(`**/tasks/${lamp.id}`, (route) =>
    route.request().method() === 'PATCH' ? route.fulfill(refusal) : route.continue(),
  );
  await page.goto(`${network.url}/archived`);
  await act(page, 'Mend the lamp', 'Back to the list');
  const unsent = page.locator('.task.unsent', { hasText: 'Mend the lamp' });
  await unsent.getByText(`not accepted: ${detail}`).waitFor();
  await shot(page, 'unarchive-refused');
  await page.getByRole('button', { name: 'Back' }).click();
  await unsent.getByText(`not accepted: ${detail}`).waitFor();
  await unsent.getByRole('button', { name: 'Dismiss' }).click();
  await unsent.waitFor({ state: 'detached' });
  t.deepEqual(faults, []);
});

test.serial('who logs in after another person is not told what that one archived', async (t) => {
  t.timeout(60_000);
  const { server, api, page } = await openAppLoggedIn(t);
  const done = new LivelyErrand(server, await sendErrand(api, { prompt: 'Private' }));
  done.begin();
  done.succeed({});
  await page.getByRole('heading', { name: 'Done' }).waitFor();
  await act(page, 'Private', 'Archive');
  await page.getByText('Archived: Private').waitFor();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Log out' }).click();
  await server.person('bob@example.org');
  await page.fill('input[name=email]', 'bob@example.org');
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.getByText('live', { exact: true }).first().waitFor();
  t.is(await page.getByText('Private').count(), 0);
});

test.serial('the way back after an archiving lies above the rows', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t);
  for (let n = 0; n < 12; n++) await done(server, api, `Errand ${n}`);
  await row(page, 'Errand 0').waitFor();
  await act(page, 'Errand 11', 'Archive');
  await row(page, 'Errand 11').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click({ timeout: 5_000 });
  await row(page, 'Errand 11').waitFor();
  t.deepEqual(faults, []);
});
