import test from 'ava';
import type { Page } from 'playwright-core';
import { sendErrand } from '../../support/send-errand.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK } from '../../support/web/browser.ts';
import { confirmLogOut, kept } from './log-out-steps.ts';

const FILE = { name: 'words.txt', mimeType: 'text/plain', buffer: Buffer.from('words') };

/** Picks a file, which is stored only once `letGo` is called. */
async function pickHeldFile(page: Page): Promise<{ letGo: () => Promise<void> }> {
  await page.evaluate(() => {
    // oxlint-disable-next-line typescript/unbound-method -- it is called with its `this`
    const { arrayBuffer } = File.prototype;
    const go = new Promise((resolve) => addEventListener('let go', resolve));
    File.prototype.arrayBuffer = async function () {
      await go;
      return arrayBuffer.call(this);
    };
  });
  await page.locator('form.composer input[type=file]').first().setInputFiles(FILE);
  return { letGo: () => page.evaluate(() => void dispatchEvent(new Event('let go'))) };
}

/** The texts that the device keeps. */
const textsOf = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const opened = indexedDB.open('errand');
    await new Promise((resolve) => (opened.onsuccess = resolve));
    const change = opened.result.transaction('texts');
    const all: IDBRequest<string[]> = change.objectStore('texts').getAll();
    await new Promise((resolve) => (change.oncomplete = resolve));
    opened.result.close();
    return all.result;
  });

/** Waits until what was read is stored, if it is. */
async function settle(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await new Blob(['words']).slice(0, 1).arrayBuffer();
    for (let n = 0; n < 20; n++) {
      const opened = indexedDB.open('errand');
      await new Promise((resolve) => (opened.onsuccess = resolve));
      const change = opened.result.transaction('files', 'readwrite');
      await new Promise((resolve) => (change.oncomplete = resolve));
      opened.result.close();
    }
  });
}

for (const where of ['in this window', 'in another window'] as const)
  test.serial(`what is stored late, after a log-out ${where}, is not stored`, async (t) => {
    t.timeout(60_000);
    const { network, api, context, page, faults } = await openAppLoggedIn(t, { size: DESK });
    const task = await sendErrand(api);
    await page.goto(`${network.url}/errands/${task.id}`);
    await page.locator('form.composer').waitFor();
    const { letGo } = await pickHeldFile(page);
    const at = where === 'in this window' ? page : await context.newPage();
    if (at === page) await at.locator('a[href$="/settings"]').first().click();
    else await at.goto(`${network.url}/settings`);
    await confirmLogOut(at);
    await page.locator('input[name=password]').waitFor();
    await letGo();
    await settle(page);
    t.is(await kept(page), 0);
    t.deepEqual(faults, []);
  });

test.serial('a window that was just reading what is kept, as another one logged out, does not show it', async (t) => {
  t.timeout(60_000);
  const { network, api, context, page } = await openAppLoggedIn(t, { size: DESK });
  await sendErrand(api, { prompt: 'Private to this person' });
  await page.getByText('Private to this person').first().waitFor();
  const other = await context.newPage();
  await other.addInitScript(() => {
    // oxlint-disable-next-line typescript/unbound-method -- it is called with its `this`
    const { getAll } = IDBObjectStore.prototype;
    const go = new Promise((resolve) => addEventListener('let go', resolve));
    IDBObjectStore.prototype.getAll = function (...range) {
      const request = getAll.apply(this, range);
      if (this.name !== 'tasks') return request;
      request.addEventListener('success', () => Object.assign(window, { has_read: true }));
      const listen = request.addEventListener.bind(request);
      const late = (what: string, act: EventListener) => listen(what, (event) => void go.then(() => act(event)));
      return Object.assign(request, { addEventListener: late });
    };
  });
  await other.goto(network.url);
  await other.waitForFunction(() => 'has_read' in window);
  await page.goto(`${network.url}/settings`);
  await confirmLogOut(page);
  await page.locator('input[name=password]').waitFor();
  await context.setOffline(true);
  await other.evaluate(() => void dispatchEvent(new Event('let go')));
  await other.locator('input[name=password]').waitFor();
  t.is(await other.getByText('Private to this person').count(), 0);
});

test.serial(
  'what a window stores as it begins anew, for somebody else who logged in in another one, is not theirs',
  async (t) => {
    t.timeout(60_000);
    const { server, network, context, page } = await openAppLoggedIn(t, { size: DESK });
    const bob = await server.person('bob@example.org');
    await sendErrand(bob.api, { prompt: 'Of the second person' });
    const { code } = await bob.api.call('createLoginLink', {});
    // What is written is stored as the page is left, and not before.
    await page.addInitScript((save_ms) => {
      const after = window.setTimeout;
      Object.assign(window, { setTimeout: (act: () => void, ms?: number) => (ms === save_ms ? 0 : after(act, ms)) });
    }, 300);
    await page.goto(`${network.url}/new`);
    await page.locator('textarea').fill('Of the first person');
    const other = await context.newPage();
    await other.goto(`${network.url}/#login=${code}`);
    await other.getByRole('button', { name: 'Log in on this device' }).click();
    await page.getByText('Of the second person').waitFor();
    await settle(page);
    t.false((await textsOf(page)).includes('Of the first person'));
  },
);
