import test from 'ava';
import type { Page } from 'playwright-core';
import { sendErrand } from '../../support/send-errand.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK } from '../../support/web/browser.ts';
import { draftIsKept } from './kept-draft.ts';
import { confirmLogOut, kept } from './log-out-steps.ts';

async function logOut(page: Page, url: string): Promise<void> {
  await page.goto(`${url}/settings`);
  await confirmLogOut(page);
}

const UNTOLD = /^This device has forgotten everything/;
const INTERNAL = JSON.stringify({ type: 'urn:errand:problem:internal', title: 'x', status: 500, code: 'internal' });
const answerWith = (page: Page, status: number, contentType: string, body: string) =>
  page.route('**/logout', (route) => route.fulfill({ status, contentType, body }));

for (const [what, begin, end] of [
  ['no network', (page: Page) => page.context().setOffline(true), (page: Page) => page.context().setOffline(false)],
  [
    'a fault of the server',
    (page: Page) => answerWith(page, 500, 'application/problem+json', INTERNAL),
    (page: Page) => page.unrouteAll(),
  ],
  [
    'a proxy in between',
    (page: Page) => answerWith(page, 403, 'text/html', '<h1>Forbidden</h1>'),
    (page: Page) => page.unrouteAll(),
  ],
] as const)
  test.serial(
    `a log-out that does not reach the server, for ${what}, removes everything at once, says so, and is told later`,
    async (t) => {
      t.timeout(120_000);
      const { network, api, page, faults } = await openAppLoggedIn(t, { size: DESK });
      await sendErrand(api, { prompt: 'Private to this person' });
      await page.getByText('Private to this person').first().waitFor();
      const isListed = async () =>
        (await api.call('listSessions', {})).items.some(({ user_agent }) => user_agent?.startsWith('Mozilla/'));
      await page.goto(`${network.url}/settings`);
      await page.getByRole('button', { name: 'Log out' }).waitFor();
      await begin(page);
      await confirmLogOut(page);
      await page.getByText(UNTOLD).waitFor();
      t.is(await kept(page), 0);
      t.is(await page.getByText('Private to this person').count(), 0);
      t.true(await isListed());
      await end(page);
      await page.evaluate(() => window.dispatchEvent(new Event('online')));
      await until('the server knows', async () => !(await isListed()));
      await page.getByText(UNTOLD).waitFor({ state: 'detached' });
      t.deepEqual(
        faults.filter((fault) => !/status of 500/.test(fault)),
        [],
      );
    },
  );

test.serial('a log-out does not wait for the answer to a request, such as for new tokens', async (t) => {
  t.timeout(60_000);
  const { network, page } = await openAppLoggedIn(t);
  await page.evaluate(async () => {
    const opened = indexedDB.open('errand');
    await new Promise((resolve) => (opened.onsuccess = resolve));
    const change = opened.result.transaction('login', 'readwrite');
    const logins = change.objectStore('login');
    const read = logins.get('one');
    read.onsuccess = () => void logins.put({ ...read.result, expires_at_ms: 1 }, 'one');
    await new Promise((resolve) => (change.oncomplete = resolve));
    opened.result.close();
  });
  let asked = 0;
  await page.route('**/refresh', () => void asked++);
  await page.goto(`${network.url}/settings`);
  await until('new tokens are asked for', () => asked > 0);
  await confirmLogOut(page);
  await page.locator('input[name=password]').waitFor({ timeout: 15_000 });
  t.is(await kept(page), 0);
});

test.serial('an upload ends with the log-in: who logs in next sends at once', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page } = await openAppLoggedIn(t, { size: DESK });
  const bob = await server.person('bob@example.org');
  const [first, second] = [await sendErrand(api), await sendErrand(bob.api, { prompt: 'Of Bob' })];
  let uploads = 0;
  await page.route('**/attachments/*', () => void uploads++);
  await page.goto(`${network.url}/errands/${first.id}`);
  const file = { name: 'words.txt', mimeType: 'text/plain', buffer: Buffer.from('words') };
  await page.locator('form.composer input[type=file]').first().setInputFiles(file);
  await page.locator('.draft-files').getByText(file.name).waitFor();
  await page.locator('textarea.composer-field').fill('See the file.');
  await page.locator('textarea.composer-field').press('ControlOrMeta+Enter');
  await until('it is being uploaded', () => uploads > 0);
  // Not by a new page, which would end it anyway.
  await page.locator('a[href$="/settings"]').first().click();
  await confirmLogOut(page);
  await page.fill('input[name=email]', 'bob@example.org');
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.getByText('Of Bob').first().click();
  await page.locator('textarea.composer-field').fill('At once.');
  await page.locator('textarea.composer-field').press('ControlOrMeta+Enter');
  const sent = async () => (await bob.api.call('listMessages', { params: { id: second.id } })).items.length > 0;
  // An upload without progress is given up after a minute.
  await until('it has come', sent, 20_000);
  t.pass();
});

test.serial('who logs in while the server was not told of the log-out before stays logged in', async (t) => {
  t.timeout(120_000);
  const { server, api, page } = await openAppLoggedIn(t);
  await answerWith(page, 500, 'application/problem+json', INTERNAL);
  await logOut(page, new URL(page.url()).origin);
  await page.getByText(UNTOLD).waitFor();
  await server.person('bob@example.org');
  await page.fill('input[name=email]', 'bob@example.org');
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.getByText('live', { exact: true }).first().waitFor();
  await page.unrouteAll();
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  const isListed = async () =>
    (await api.call('listSessions', {})).items.some(({ user_agent }) => user_agent?.startsWith('Mozilla/'));
  await until('the server knows', async () => !(await isListed()));
  t.is(await page.getByText('live', { exact: true }).count(), 1);
});

for (const sockets of [true, false])
  test.serial(
    `a log-out ends the app in each other window of the browser, ${sockets ? 'at once' : 'with a proxy that lets no socket through too'}`,
    async (t) => {
      t.timeout(120_000);
      const { server, network, api, context, page } = await openAppLoggedIn(t);
      const task = await sendErrand(api, { prompt: 'Private to the first person' });
      const other = await context.newPage();
      if (!sockets) await other.routeWebSocket(/.*/, (socket) => socket.close());
      await other.goto(`${network.url}/errands/${task.id}`);
      await other.getByPlaceholder('Say something…').fill('Half written');
      await draftIsKept(other, 'Half written');
      await other.getByPlaceholder('Say something…').fill('Half written, and more');
      await logOut(page, network.url);
      await other.locator('input[name=password]').waitFor();
      t.is(await other.getByText('Private to the first person').count(), 0);
      t.is(await other.locator('input[name=email]').inputValue(), '');
      await until('nothing is kept', async () => (await kept(other)) === 0);

      const bob = await server.person('bob@example.org');
      const bobs = await sendErrand(bob.api);
      await page.fill('input[name=email]', 'bob@example.org');
      await page.fill('input[name=password]', PASSWORD);
      await page.click('button[type=submit]');
      await page.getByText('live', { exact: true }).first().waitFor();
      await other.goto(`${network.url}/errands/${bobs.id}`);
      await other.getByPlaceholder('Say something…').waitFor();
      t.is(await other.getByPlaceholder('Say something…').inputValue(), '');
    },
  );

test.serial(
  'a window whose person was replaced by another one, in another window, begins anew as the other',
  async (t) => {
    t.timeout(120_000);
    const { server, network, api, context, page } = await openAppLoggedIn(t);
    await sendErrand(api, { prompt: 'Private to the first person' });
    const other = await context.newPage();
    await other.goto(network.url);
    await other.getByText('Private to the first person').waitFor();
    const bob = await server.person('bob@example.org');
    await sendErrand(bob.api, { prompt: 'Of the second person' });
    const { code } = await bob.api.call('createLoginLink', {});
    await page.goto('about:blank');
    await page.goto(`${network.url}/#login=${code}`);
    await page.getByRole('button', { name: 'Log in on this device' }).click();
    await other.getByText('Of the second person').waitFor();
    t.is(await other.getByText('Private to the first person').count(), 0);
  },
);

test.serial(
  'who logs in on the device of another person ends their log-in there, with its notifications',
  async (t) => {
    t.timeout(120_000);
    const { server, network, api, context, page } = await openAppLoggedIn(t);
    await context.addInitScript(() => {
      const unsubscribe = () => Promise.resolve((localStorage.setItem('unsubscribed', 'yes'), true));
      Object.assign(PushManager.prototype, { getSubscription: () => Promise.resolve({ unsubscribe }) });
    });
    const isListed = async () =>
      (await api.call('listSessions', {})).items.some(({ user_agent }) => user_agent?.startsWith('Mozilla/'));
    t.true(await isListed());
    const bob = await server.person('bob@example.org');
    const { code } = await bob.api.call('createLoginLink', {});
    await page.goto('about:blank');
    await page.goto(`${network.url}/#login=${code}`);
    await page.getByRole('button', { name: 'Log in on this device' }).click();
    await page.getByText('live', { exact: true }).first().waitFor();
    await until('the log-in has ended', async () => !(await isListed()));
    t.is(await page.evaluate(() => localStorage.getItem('unsubscribed')), 'yes');
  },
);

test.serial(
  'a log-in in place of another one is kept, though the browser does not answer before the app ends',
  async (t) => {
    t.timeout(120_000);
    const { server, network, page } = await openAppLoggedIn(t);
    const bob = await server.person('bob@example.org');
    await sendErrand(bob.api, { prompt: 'Of the second person' });
    const { code } = await bob.api.call('createLoginLink', {});
    await page.goto('about:blank');
    await page.goto(`${network.url}/#login=${code}`);
    await page.evaluate(() => {
      const getSubscription = () => new Promise(() => localStorage.setItem('asked', 'yes'));
      Object.assign(PushManager.prototype, { getSubscription });
    });
    await page.getByRole('button', { name: 'Log in on this device' }).click();
    await page.waitForFunction(() => localStorage.getItem('asked') === 'yes');
    await page.goto('about:blank');
    await page.goto(network.url);
    await page.getByText('Of the second person').waitFor();
    t.is(await page.locator('input[name=password]').count(), 0);
  },
);

test.serial(
  'who logs in again on the same device is one log-in of the account, and goes on in all windows',
  async (t) => {
    t.timeout(120_000);
    const { network, api, context, page } = await openAppLoggedIn(t);
    const other = await context.newPage();
    await other.goto(network.url);
    await other.getByText('live', { exact: true }).first().waitFor();
    const listed = async () =>
      (await api.call('listSessions', {})).items.filter(({ user_agent }) => user_agent?.startsWith('Mozilla/'));
    const [before] = await listed();
    const { code } = await api.call('createLoginLink', {});
    await page.goto('about:blank');
    await page.goto(`${network.url}/#login=${code}`);
    await page.getByRole('button', { name: 'Log in on this device' }).click();
    await page.getByText('live', { exact: true }).first().waitFor();
    await until('the log-in before has ended', async () => (await listed()).every(({ id }) => id !== before?.id));
    t.is((await listed()).length, 1);
    await sendErrand(api, { prompt: 'Comes after it' });
    for (const window of [page, other]) await window.getByText('Comes after it').waitFor();
  },
);
