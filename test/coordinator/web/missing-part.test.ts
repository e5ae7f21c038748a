import test from 'ava';
import type { BrowserContext, Page } from 'playwright-core';
import { openWebApp } from '../../../coordinator/web/build.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { DESK, openBrowser } from '../../support/web/browser.ts';

const MISSING = 'A part of the app could not be loaded';

const offer = (page: Page) => page.locator('.update', { hasText: MISSING });

async function fillIn(page: Page, email: string): Promise<void> {
  await page.fill('input[name=email]', email);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
}

/** The server does not have these files of the app any more. */
async function lose(context: BrowserContext, isLost: (name: string) => boolean): Promise<void> {
  await context.route('**/app/*', (route) => {
    const name = route.request().url().split('/').at(-1) ?? '';
    return isLost(name) ? route.fulfill({ status: 404 }) : route.continue();
  });
}

async function mend(context: BrowserContext, page: Page): Promise<void> {
  await context.unrouteAll();
  await page.getByRole('button', { name: 'Reload' }).click();
  await offer(page).waitFor({ state: 'detached' });
}

/** The names of the app's files: what is drawn first, and what comes later. */
async function filesOfApp() {
  const app = await openWebApp();
  const entry = /src="app\/([^"]+)"/.exec(app.pageAt('/')?.body.toString() ?? '')?.[1] ?? '';
  const files = [...app.files].map(([path, { body }]) => ({ name: path.replace('/app/', ''), text: body.toString() }));
  const find = (name: RegExp, isIt: (text: string) => boolean = () => true) =>
    files.find((file) => file.name !== entry && name.test(file.name) && isIt(file.text))?.name ?? '';
  const isLogs = (text: string) => text.includes('turn.finished') && !text.includes('ZodObject');
  const isFileTools = (text: string) => text.includes('XMLHttpRequest');
  const later = {
    style: find(/^screens-.*css$/),
    german: find(/^de-[A-Z0-9]+\.js$/),
    logs: find(/^part-/, isLogs),
    file_tools: find(/^part-/, isFileTools),
    screens: find(/^part-/, (text) => text.includes('composer-field')),
  };
  return { app, entry, later };
}

async function forgetKeptApp(page: Page): Promise<void> {
  await page.evaluate(async () => {
    for (const each of await navigator.serviceWorker.getRegistrations()) await each.unregister();
  });
}

test.serial('a part of the app that the server does not have any more is told, and a reload mends it', async (t) => {
  t.timeout(60_000);
  const { app, entry } = await filesOfApp();
  const server = await startApi(t, {}, undefined, undefined, app);
  const { session } = await server.person();
  const { context, open } = await openBrowser(t);
  const { page } = await open();
  const loseParts = () => lose(context, (name) => name.startsWith('part-') && name !== entry);
  await loseParts();
  await page.goto(server.url);
  await offer(page).waitFor();
  await fillIn(page, session.user.email);
  await page.locator('form .fault', { hasText: MISSING }).waitFor();
  await mend(context, page);
  await fillIn(page, session.user.email);
  await page.getByText('live', { exact: true }).first().waitFor();
  t.is(await page.getByText(MISSING).count(), 0);

  // Somebody who is logged in sees what the device knows, and is not told that the server is away.
  await forgetKeptApp(page);
  await loseParts();
  await page.reload();
  await offer(page).waitFor();
  await page.locator('.live.off', { hasText: 'not connected' }).waitFor();
  await mend(context, page);
  await page.getByText('live', { exact: true }).first().waitFor();
});

test.serial('texts, screens, their style and the logs of errands that are missing are told too', async (t) => {
  t.timeout(90_000);
  const { app, later } = await filesOfApp();
  const server = await startApi(t, {}, undefined, undefined, app);
  const { api, session } = await server.person();
  const { id } = await sendErrand(api, { prompt: 'Round the refunds' });
  const german = await openBrowser(t, { locale: 'de-DE' });
  const { page: first } = await german.open();
  await lose(german.context, (name) => name === later.german);
  await first.goto(server.url);
  await offer(first).waitFor();
  await mend(german.context, first);
  await first.getByRole('button', { name: 'Anmelden', exact: true }).waitFor();

  const { context, open } = await openBrowser(t);
  const { page } = await open();
  await page.goto(server.url);
  await fillIn(page, session.user.email);
  await page.getByText('live', { exact: true }).first().waitFor();
  const settings = page.getByRole('heading', { name: 'Settings' });
  for (const [name, path, shown] of [
    [later.screens, '/settings', settings],
    [later.style, '/settings', settings],
    [later.logs, `/errands/${id}`, page.locator('.talk', { hasText: 'Round the refunds' })],
  ] as const) {
    t.not(name, '');
    await forgetKeptApp(page);
    await lose(context, (each) => each === name);
    await page.goto(server.url + path);
    await offer(page).waitFor();
    t.is(await shown.count(), 0);
    await mend(context, page);
    await shown.waitFor();
  }
});

test.serial('a missing part that a file needs is told too, and a reload mends it', async (t) => {
  t.timeout(60_000);
  const { app, later } = await filesOfApp();
  t.not(later.file_tools, '');
  const server = await startApi(t, {}, undefined, undefined, app);
  const { api, session } = await server.person();
  const { id } = await sendErrand(api);
  const { context, open } = await openBrowser(t, { size: DESK });
  const { page } = await open();
  await page.goto(server.url);
  await fillIn(page, session.user.email);
  await page.getByText('live', { exact: true }).first().waitFor();
  await forgetKeptApp(page);
  await lose(context, (each) => each === later.file_tools);
  await page.goto(`${server.url}/errands/${id}`);
  // What was missing before is asked for again then.
  await page.getByText('live', { exact: true }).first().waitFor();
  const file = { name: 'log.txt', mimeType: 'text/plain', buffer: Buffer.from('line') };
  const pick = () => page.locator('form.composer input[type=file]').first().setInputFiles(file);
  await pick();
  await page.locator('.draft-files .fault', { hasText: 'The file was not taken' }).waitFor();
  await offer(page).waitFor();
  await mend(context, page);
  await pick();
  await page.locator('.draft-files').getByText('log.txt').waitFor();
  await page.getByRole('button', { name: 'Send', exact: true }).last().click();
  await page.locator('.person:not(.unsent)', { hasText: 'log.txt' }).waitFor();
});

test.serial('a message is not sent without the file that was picked for it, however long its part takes', async (t) => {
  t.timeout(60_000);
  const { app, later } = await filesOfApp();
  const server = await startApi(t, {}, undefined, undefined, app);
  const { api, session } = await server.person();
  const { id } = await sendErrand(api);
  const { context, open } = await openBrowser(t);
  const { page } = await open();
  const line = Promise.withResolvers<void>();
  await context.route(`**/app/${later.file_tools}`, (route) => line.promise.then(() => route.continue()));
  await page.goto(`${server.url}/errands/${id}`);
  await fillIn(page, session.user.email);
  const file = { name: 'log.txt', mimeType: 'text/plain', buffer: Buffer.from('line') };
  await page.locator('form.composer input[type=file]').first().setInputFiles(file);
  await page.locator('textarea.composer-field').fill('Look');
  await page.locator('textarea.composer-field').press('ControlOrMeta+Enter');
  t.true(await page.getByRole('button', { name: 'Send', exact: true }).last().isDisabled());
  line.resolve();
  await page.locator('.draft-files').getByText('log.txt').waitFor();
  await page.getByRole('button', { name: 'Send', exact: true }).last().click();
  await page.locator('.person:not(.unsent)', { hasText: 'log.txt' }).waitFor();
});
