import test from 'ava';
import type { Page } from 'playwright-core';
import { listPendingMessages } from '../../../coordinator/sqlite/messages.ts';
import { openNeeds } from '../../../protocol/task.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn, type AppScene } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import { draftIsKept } from './kept-draft.ts';

const DIFF = `diff --git a/a.ts b/a.ts
--- a/a.ts
+++ b/a.ts
@@ -1 +1,2 @@
 const a = 1;
+const b = 2;
`;

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
const composer = (page: Page) => page.locator('textarea.composer-field');
const unsent = (page: Page) => page.locator('.unsent .mine');

/** An errand, opened; at work, or in the queue. `said`: the messages that wait for it. */
async function open({ server, api, network, page }: AppScene, works = true) {
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round the refunds' }));
  if (works) errand.begin();
  const url = `${network.url}/errands/${errand.id}`;
  await page.goto(url);
  await composer(page).waitFor();
  const said = () => listPendingMessages(server.db, errand.id).map(({ text }) => text);
  const say = async (text: string, on = page): Promise<void> => {
    await composer(on).fill(text);
    await composer(on).press('ControlOrMeta+Enter');
  };
  return { errand, url, said, say };
}

async function goOffline({ network }: AppScene, ...pages: Page[]): Promise<void> {
  network.offline = true;
  network.cut();
  for (const page of pages) await page.locator('.live.off, .later').first().waitFor();
}

async function goOnline({ network }: AppScene, ...pages: Page[]): Promise<void> {
  network.offline = false;
  for (const page of pages) await page.evaluate(() => window.dispatchEvent(new Event('online')));
}

test.serial('two windows show and send one outbox: what one takes back, the other does not send', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page, context } = scene;
  const { url, said, say } = await open(scene);
  const other = await context.newPage();
  await other.goto(url);
  await composer(other).waitFor();
  await other.getByText('live', { exact: true }).first().waitFor();
  await goOffline(scene, page, other);
  for (const [text, on] of [
    ['one', page],
    ['two', other],
    ['three', page],
  ] as const) {
    await say(text, on);
    for (const window of [page, other]) await unsent(window).getByText(text, { exact: true }).waitFor();
  }
  const two = page.locator('.unsent', { hasText: 'two' });
  await two.getByRole('button', { name: 'Take back' }).click();
  for (const window of [page, other]) await until('it is gone', async () => (await unsent(window).count()) === 2);
  t.is(await composer(page).inputValue(), 'two', 'its words are back in the field');
  await page.close();
  await goOnline(scene, other);
  await until('all are sent', () => said().length >= 2);
  await unsent(other).first().waitFor({ state: 'detached' });
  t.deepEqual(said(), ['one', 'three']);
});

test.serial('an answer keeps its words and files: while it is written, and when it is undone', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page, faults } = scene;
  const { errand, said } = await open(scene);
  errand.ask('Which rounding?');
  const form = page.locator('.talk form.answer');
  const field = form.locator('textarea');
  await field.fill('Half up, as always');
  await draftIsKept(page, 'Half up, as always');
  await page.reload();
  await until('the words are there', async () => (await field.inputValue()) === 'Half up, as always');
  const file = { name: 'rules.txt', mimeType: 'text/plain', buffer: Buffer.from('rules') };
  await form.locator('input[type=file]').first().setInputFiles(file);
  await form.getByText('rules.txt').waitFor();
  await field.press('ControlOrMeta+Enter');
  await page.locator('.talk').getByRole('button', { name: /^Undo/ }).click();
  await until('the words are back', async () => (await field.inputValue()) === 'Half up, as always');
  await form.getByText('rules.txt').waitFor();
  await field.fill('Half even');
  await field.press('ControlOrMeta+Enter');
  await until('the answer has come', () => said().length > 0);
  t.deepEqual(said(), ['Half even']);
  t.deepEqual(faults, []);
});

test.serial(
  'the options that were ticked come back with the words, when the app died and when it is undone',
  async (t) => {
    t.timeout(120_000);
    const scene = await openAppLoggedIn(t);
    const { page, faults } = scene;
    const { errand, said } = await open(scene);
    const options = ['Half up', 'Half even', 'Down'];
    errand.report({ type: 'question.asked', body: { ref: 'q', question: 'Which?', options, multiple: true } });
    const talk = page.locator('.talk');
    const ticked = () => talk.locator('.choice[aria-pressed=true]').allTextContents();
    for (const option of ['Down', 'Half up']) await talk.getByRole('button', { name: option }).click();
    t.deepEqual(await ticked(), ['Half up', 'Down']);
    await draftIsKept(page, '"3","1"');
    await page.reload();
    await until('they are ticked', async () => (await ticked()).join() === 'Half up,Down');
    await talk.getByRole('button', { name: 'Send the answer' }).click();
    await talk.getByRole('button', { name: /^Undo/ }).click();
    await until('they are ticked again', async () => (await ticked()).join() === 'Half up,Down');
    await talk.getByRole('button', { name: 'Down' }).click();
    await talk.getByRole('button', { name: 'Send the answer' }).click();
    await until('the answer has come', () => said().length > 0);
    t.deepEqual(said(), ['- Half up']);
    t.deepEqual(faults, []);
  },
);

test.serial('what was written, ticked and attached for a decision goes once that is answered elsewhere', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page, api, faults } = scene;
  const scenes = [];
  for (const words of ['Of the first', 'Of the second']) {
    const { errand, url } = await open(scene);
    const options = ['Yes', 'No'];
    errand.report({ type: 'question.asked', body: { ref: 'q', question: 'Well?', options, multiple: true } });
    const card = page.locator('.talk .decision');
    await card.getByRole('button', { name: 'Yes' }).click();
    await card.getByPlaceholder('Answer…').fill(words);
    const file = { name: `${words}.txt`, mimeType: 'text/plain', buffer: Buffer.from(words) };
    await card.locator('input[type=file]').first().setInputFiles(file);
    await card.getByText(file.name).waitFor();
    await draftIsKept(page, words);
    scenes.push({ errand, url });
  }
  const kept = () =>
    page.evaluate(async () => {
      const opened = indexedDB.open('errand');
      await new Promise((resolve) => (opened.onsuccess = resolve));
      const change = opened.result.transaction(['texts', 'files']);
      const [keys, files] = [change.objectStore('texts').getAllKeys(), change.objectStore('files').getAll()];
      await new Promise((resolve) => (change.oncomplete = resolve));
      opened.result.close();
      const drafts = (files.result as { draft?: string }[]).map(({ draft }) => draft ?? '');
      return [...(keys.result as string[]), ...drafts].filter((key) => /^(answer|ticks) /.test(key));
    });
  await until('all is kept', async () => (await kept()).length === 6);
  const id = scenes[0]?.errand.id ?? '';
  const [need] = openNeeds(await api.call('getTask', { params: { id } }));
  const need_id = need?.id ?? '';
  await api.call('answerNeed', { params: { id, need_id }, body: { choose: ['1'] } });
  await goOffline(scene, page);
  await goOnline(scene, page);
  await until('those of the first are gone', async () => (await kept()).length === 3);
  t.false((await kept()).some((key) => key.endsWith(need_id)));
  await page.reload();
  const field = page.locator('.talk .decision').getByPlaceholder('Answer…');
  await until('those of the second are there', async () => (await field.inputValue()) === 'Of the second');
  t.deepEqual(faults, []);
});

test.serial('a message that is being changed survives the app', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page, faults } = scene;
  const { said, say } = await open(scene, false);
  await say('Frist');
  await page.locator('.person:not(.unsent)', { hasText: 'Frist' }).waitFor();
  await button(page, 'Change').click();
  await page.locator('.edited textarea').fill('First');
  await draftIsKept(page, 'First');
  await page.reload();
  await button(page, 'Change').click();
  const editor = page.locator('.edited textarea');
  await until('its words are there', async () => (await editor.inputValue()) === 'First');
  await button(page, 'Save').click();
  await until('it is changed', () => said()[0] === 'First');
  await goOffline(scene, page);
  await say('Second');
  await page.locator('.unsent').getByRole('button', { name: 'Change' }).click();
  await editor.fill('Second, but not now');
  await goOnline(scene, page);
  await until('it is sent as it was', () => said()[1] === 'Second');
  await until('the change is said next', async () => (await composer(page).inputValue()) === 'Second, but not now');
  await editor.waitFor({ state: 'detached' });
  t.deepEqual(faults, []);
});

test.serial('a message that this device cannot store stays in its field, and this is said', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page } = scene;
  const { said, say } = await open(scene);
  await page.evaluate(() => {
    const before = Object.getOwnPropertyDescriptor(IDBObjectStore.prototype, 'put');
    const put = before?.value as (...given: unknown[]) => unknown;
    function putIfRoom(this: IDBObjectStore, ...given: unknown[]) {
      if (this.name === 'outbox' && !('has_room' in window)) throw new DOMException('full', 'QuotaExceededError');
      return put.apply(this, given);
    }
    Object.defineProperty(IDBObjectStore.prototype, 'put', { ...before, value: putIfRoom });
  });
  await say('Do not lose me');
  await page.getByText('There is no room for it on this device.').waitFor();
  t.is(await composer(page).inputValue(), 'Do not lose me');
  await page.evaluate(() => Object.assign(window, { has_room: true }));
  await composer(page).press('ControlOrMeta+Enter');
  await until('it is sent', () => said().length > 0);
  await page.getByText('There is no room for it on this device.').waitFor({ state: 'detached' });
  t.is(await composer(page).inputValue(), '');
  t.deepEqual(said(), ['Do not lose me']);
});

test.serial('a double tap sends a new errand and a message once', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page, api, network, faults } = scene;
  const { said } = await open(scene);
  const tapTwice = (selector: string) =>
    page.locator(selector).evaluate((element) => [0, 1].forEach(() => (element as HTMLElement).click()));
  await composer(page).fill('Once');
  await tapTwice('form.composer button[type=submit]');
  await until('it is sent', () => said().length > 0);
  await page.goto(`${network.url}/new?repo=errand://sample&text=Once`);
  await until('it is filled in', () => page.locator('button.send').isEnabled());
  await tapTwice('button.send');
  await until('it is sent', async () => (await api.call('listTasks', {})).items.length > 1);
  await page.locator('.unsent').first().waitFor({ state: 'detached' });
  t.is((await api.call('listTasks', {})).items.length, 2);
  t.deepEqual(said(), ['Once']);
  t.deepEqual(faults, []);
});

test.serial('an errand that was taken back returns to its draft, with what was chosen', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page, network } = scene;
  await page.goto(`${network.url}/new?repo=https://example.org/one.git&text=Ten%20lines`);
  await until('it is filled in', () => page.locator('button.send').isEnabled());
  await goOffline(scene, page);
  await page.locator('button.send').click();
  await page.locator('.unsent').getByRole('button', { name: 'Take back' }).click();
  await page.locator('.unsent').first().waitFor({ state: 'detached' });
  await page.goto(`${network.url}/new`);
  const prompt = page.locator('textarea.prompt');
  await until('its words are there', async () => (await prompt.inputValue()) === 'Ten lines');
  await button(page, 'one').first().waitFor();
  t.is(await page.locator('.unsent').count(), 0);
});

test.serial('a comment that is being written survives the app, with its form', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page, faults } = scene;
  const { errand, url } = await open(scene);
  errand.succeed({ diff_stat: { files: 1, insertions: 1, deletions: 0 } }, DIFF);
  await page.goto(`${url}/changes`);
  await page.locator('.line-of.added').first().click();
  const form = page.locator('form.note-on-line textarea');
  await form.fill('Why so');
  await draftIsKept(page, 'Why so');
  await page.reload();
  await until('its words are there', async () => (await form.inputValue()) === 'Why so');
  await form.press('ControlOrMeta+Enter');
  await page.locator('.note-on-line p', { hasText: 'Why so' }).waitFor();
  await page.locator('.line-of.added').first().click();
  t.is(await form.inputValue(), 'Why so');
  await page.goto(url);
  await page.locator('.result', { hasText: '1 comment not sent' }).waitFor();
  t.deepEqual(faults, []);
});

test.serial('what may have arrived is not said to be on its way while there is no network', async (t) => {
  t.timeout(60_000);
  const scene = await openAppLoggedIn(t);
  const { page } = scene;
  const { say } = await open(scene);
  await page.route('**/messages', (route) => route.abort());
  await say('Into the tunnel');
  const words = (text: string) => page.locator('.unsent', { hasText: 'Into the tunnel' }).getByText(text);
  await words('sending').waitFor();
  await goOffline(scene, page);
  await words('waits to be sent').waitFor();
  await page.reload();
  await words('waits to be sent').waitFor();
  t.pass();
});
