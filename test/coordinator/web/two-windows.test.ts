import test from 'ava';
import type { Locator, Page } from 'playwright-core';
import { sendErrand } from '../../support/send-errand.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { logIn, openApp, openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import { draftIsKept } from './kept-draft.ts';

const DIFF = `diff --git a/a b/a
index 1111111..2222222 100644
--- a/a
+++ b/a
@@ -0,0 +1,2 @@
+one
+two
`;

/** When a request that has no answer is given up by itself. */
const GIVEN_UP_MS = 30_000;

const has = (field: Locator, text: string) =>
  until(`it has ${text}`, async () => (await field.inputValue({ timeout: 1_000 }).catch(() => '')) === text);

for (const [what, path, field, open] of [
  ['a message', '', (page: Page) => page.locator('textarea.composer-field'), () => Promise.resolve()],
  [
    'a comment on a line',
    '/changes',
    (page: Page) => page.locator('.note-on-line textarea'),
    (page: Page) => page.locator('.line-of', { hasText: 'two' }).click(),
  ],
] as const)
  test.serial(`${what} that is half written in two windows goes on in each from what the other has`, async (t) => {
    t.timeout(60_000);
    const { server, api, network, context, page, faults } = await openAppLoggedIn(t);
    const errand = new LivelyErrand(server, await sendErrand(api));
    errand.begin();
    errand.succeed({}, DIFF);
    const other = await context.newPage();
    for (const each of [page, other]) await each.goto(`${network.url}/errands/${errand.id}${path}`);
    await open(other);
    for (const [each, text] of [
      [page, 'Round'],
      [other, ' half'],
      [page, ' up'],
      [other, ', always'],
    ] as const) {
      await field(each).focus();
      await each.keyboard.press('ControlOrMeta+End');
      await each.keyboard.type(text);
      const written = await field(each).inputValue();
      t.true(written.endsWith(text));
      for (const window of [page, other]) await has(field(window), written);
    }
    t.is(await field(page).inputValue(), 'Round half up, always');
    await field(other).press('ControlOrMeta+End');
    await field(other).press('!');
    await other.close();
    await has(field(page), 'Round half up, always!');
    await page.reload();
    await has(field(page), 'Round half up, always!');
    t.deepEqual(faults, []);
  });

test.serial('what one window archives, another one puts back, and neither says that it is archived', async (t) => {
  t.timeout(60_000);
  const { server, api, network, context, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Mend the lamp' }));
  errand.begin();
  errand.succeed({});
  const other = await context.newPage();
  await other.goto(network.url);
  const row = (of: Page) => of.locator('.task', { hasText: 'Mend the lamp' });
  const act = async (of: Page, choice: string): Promise<void> => {
    await of.getByRole('button', { name: 'Actions: Mend the lamp' }).click();
    await of.getByRole('dialog').getByRole('button', { name: choice }).click();
  };
  for (const each of [page, other]) await each.getByRole('heading', { name: 'Done' }).waitFor();
  // The offer to put it back does not end by itself.
  await page.evaluate((offered_ms) => {
    const after = window.setTimeout;
    Object.assign(window, { setTimeout: (act: () => void, ms?: number) => (ms === offered_ms ? 0 : after(act, ms)) });
  }, 10_000);
  await act(page, 'Archive');
  await page.getByText('Archived: Mend the lamp').waitFor();
  await row(other).waitFor({ state: 'detached' });
  await other.getByRole('link', { name: 'Archived' }).click();
  await act(other, 'Back to the list');
  await row(page).waitFor();
  await page.getByText('Archived: Mend the lamp').waitFor({ state: 'detached' });
  await other.getByRole('button', { name: 'Back' }).click();
  await row(other).waitFor();
  const { archived } = await api.call('getTask', { params: { id: errand.id } });
  t.false(archived);
  t.deepEqual(faults, []);
});

test.serial('a window in which nobody is logged in goes on as who logs in in another one', async (t) => {
  t.timeout(60_000);
  const scene = await openApp(t);
  const { server, api, network, context, page, faults } = scene;
  const errand = await sendErrand(api, { prompt: 'Mend the lamp' });
  const other = await context.newPage();
  await other.goto(`${network.url}/errands/${errand.id}`);
  const goal = other.locator('.goal', { hasText: 'Mend the lamp' });
  await other.locator('input[name=password]').waitFor();
  await logIn(scene);
  await goal.waitFor();

  await other.locator('textarea.composer-field').fill('Half written');
  await draftIsKept(other, 'Half written');
  const { items } = await api.call('listSessions', {});
  for (const { id, current } of items) if (!current) await api.call('deleteSession', { params: { id } });
  for (const each of [page, other]) await each.getByText('Your log-in has ended.').waitFor();
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await goal.waitFor();
  t.is(await other.locator('textarea.composer-field').inputValue(), 'Half written');

  const bob = await server.person('bob@example.org');
  const { code } = await bob.api.call('createLoginLink', {});
  await other.goto('about:blank');
  await other.goto(`${network.url}/#login=${code}`);
  await other.getByRole('button', { name: 'Log in on this device' }).click();
  await page.getByText('No errands yet').waitFor();
  t.deepEqual(faults, []);
});

test.serial('a log-in whose answer comes after one in another window leaves one session in the window', async (t) => {
  t.timeout(60_000);
  const scene = await openApp(t);
  const { api, network, context, page, faults } = scene;
  await sendErrand(api, { prompt: 'Mend the lamp' });
  let open = 0;
  page.on('websocket', (socket) => {
    open++;
    socket.on('close', () => open--);
  });
  const answered = Promise.withResolvers<void>();
  await page.route('**/login', async (route) => {
    const response = await route.fetch();
    await answered.promise;
    await route.fulfill({ response });
  });
  await page.fill('input[name=email]', 'person1@example.org');
  await page.fill('input[name=password]', PASSWORD);
  const asked = page.waitForRequest('**/login');
  await page.click('button[type=submit]');
  await asked;
  const other = await context.newPage();
  await other.goto(network.url);
  await logIn({ ...scene, page: other });
  await page.getByText('Mend the lamp').waitFor();
  await until('it is connected', () => open > 0);
  const connected = page.waitForEvent('websocket');
  answered.resolve();
  await connected;
  await until('the session before has ended', () => open === 1);
  await page.getByText('live', { exact: true }).first().waitFor();
  t.is(open, 1);
  t.deepEqual(faults, []);
});

test.serial('a window does not wait for a new token that one in the background asks for in vain', async (t) => {
  t.timeout(60_000);
  const { network, context, page, faults } = await openAppLoggedIn(t);
  await page.goto(`${network.url}/openapi.json`);
  await page.evaluate(async () => {
    const opened = indexedDB.open('errand');
    await new Promise((resolve) => (opened.onsuccess = resolve));
    const logins = opened.result.transaction('login', 'readwrite').objectStore('login');
    const read = logins.get('one');
    await new Promise((resolve) => (read.onsuccess = resolve));
    logins.put({ ...read.result, expires_at_ms: 1 }, 'one');
    await new Promise((resolve) => (logins.transaction.oncomplete = resolve));
    opened.result.close();
  });
  const behind = await context.newPage();
  await behind.addInitScript(() => Object.defineProperty(document, 'visibilityState', { value: 'hidden' }));
  // The first one has no answer.
  await behind.route('**/refresh', () => undefined, { times: 1 });
  const asked = behind.waitForRequest('**/refresh');
  await behind.goto(network.url);
  await asked;
  const begun = Date.now();
  await page.goto(network.url);
  const live = page.getByText('live', { exact: true }).first();
  await until('it is live', async () => {
    await page.evaluate(() => void document.dispatchEvent(new Event('visibilitychange')));
    return live.isVisible();
  });
  t.true(Date.now() - begun < GIVEN_UP_MS);
  t.deepEqual(faults, []);
});
