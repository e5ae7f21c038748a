import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { LIMITS } from '../../../protocol/limits.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn, type AppScene } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const SHOTS = process.env['ERRAND_TEST_SHOTS'];
const FILE = { name: 'rules.txt', mimeType: 'text/plain', buffer: Buffer.from('rules') };
const WHY = 'The owner has said no.';

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
const composer = (page: Page) => page.locator('textarea.composer-field');
const prompt = (page: Page) => page.locator('textarea.prompt');
const answer = (page: Page) => page.locator('.talk form.answer');

async function shot(page: Page, what: string): Promise<void> {
  if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `${what}.png`) });
}

/** The server refuses each errand, message and answer. */
async function refuseAll(page: Page): Promise<void> {
  const problem = { type: 'about:blank', title: 'No', status: 409, code: 'conflict', detail: WHY };
  const refusal = { status: 409, contentType: 'application/problem+json', body: JSON.stringify(problem) };
  await page.route(/\/(task|tasks|messages|answer)$/, (route) =>
    route.request().method() === 'POST' ? route.fulfill(refusal) : route.continue(),
  );
}

async function ofAnErrand({ page, network }: AppScene): Promise<void> {
  const words = 'Ten lines\nof a prompt';
  await page.goto(`${network.url}/new?repo=https://example.org/one.git`);
  await prompt(page).fill(words);
  await page.locator('.fresh input[type=file]').first().setInputFiles(FILE);
  await page.locator('.draft-files').getByText(FILE.name).waitFor();
  await page.locator('button.send').click();
  await page.locator('.unsent', { hasText: WHY }).waitFor();
  await shot(page, 'refused-errand');
  await button(page, 'Back to the draft').click();
  await until('its words are there', async () => (await prompt(page).inputValue()) === words);
  await page.locator('.draft-files').getByText(FILE.name).waitFor();
  await button(page, 'one').first().waitFor();
}

async function ofAMessage(page: Page): Promise<void> {
  const other = await page.context().newPage();
  await other.goto(page.url());
  const both = (text: string) =>
    until(`both windows have ${text}`, async () => {
      const shown = await Promise.all([page, other].map((each) => composer(each).inputValue()));
      return shown.every((each) => each === text);
    });
  await composer(other).waitFor();
  const refused = page.locator('.person.unsent', { hasText: 'Refused words' });
  for (const act of ['Back to the draft', 'Dismiss']) {
    await composer(page).fill('Refused words');
    await composer(page).press('ControlOrMeta+Enter');
    await refused.getByText(WHY).waitFor();
    await shot(page, 'refused-message');
    await refused.getByRole('button', { name: act }).click();
    await refused.waitFor({ state: 'detached' });
    await both(act === 'Dismiss' ? '' : 'Refused words');
  }
  await other.close();
  await page.bringToFront();
}

async function ofAnAnswer(t: ExecutionContext, page: Page): Promise<void> {
  const form = answer(page);
  await form.locator('textarea').fill('Half up\nas always');
  await form.locator('input[type=file]').first().setInputFiles(FILE);
  await form.getByText(FILE.name).waitFor();
  await form.getByRole('button', { name: 'Send' }).click();
  const given = page.locator('.talk .given', { hasText: WHY });
  await given.waitFor();
  await shot(page, 'refused-answer');
  t.is(await page.locator('.person.unsent').count(), 0, 'it shows once');
  await given.getByRole('button', { name: 'Back to the draft' }).click();
  await until('the words are back', async () => (await form.locator('textarea').inputValue()) === 'Half up\nas always');
  await form.getByText(FILE.name).waitFor();
}

test.serial('what the server refuses goes back to its draft with its words and files, or is dismissed', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t, { size: PHONE });
  const { server, api, page, network, faults } = scene;
  await refuseAll(page);
  await ofAnErrand(scene);
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round the refunds' }));
  errand.begin();
  await page.goto(`${network.url}/errands/${errand.id}`);
  await ofAMessage(page);
  errand.ask('Which rounding?');
  await ofAnAnswer(t, page);
  t.deepEqual(faults, []);
});

test.serial(
  'words for an errand that was deleted meanwhile show in the list, for a new errand or to be dismissed',
  async (t) => {
    t.timeout(120_000);
    const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
    const unsent = page.locator('.unsent', { hasText: 'Round down' });
    for (const act of ['Use for a new errand', 'Dismiss']) {
      const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round the refunds' }));
      errand.begin();
      errand.succeed({});
      await page.goto(`${network.url}/errands/${errand.id}`);
      await composer(page).fill('Round down\nas always');
      await page.locator('form.composer input[type=file]').first().setInputFiles(FILE);
      await page.locator('.draft-files').getByText(FILE.name).waitFor();
      network.offline = true;
      network.cut();
      await composer(page).press('ControlOrMeta+Enter');
      await page.locator('.person.unsent').waitFor();
      await api.call('deleteTask', { params: { id: errand.id } });
      network.offline = false;
      await page.evaluate(() => window.dispatchEvent(new Event('online')));
      await page.getByText('does not exist here').waitFor();
      await page.getByRole('button', { name: 'Back' }).click();
      await unsent.getByText('its errand was deleted').waitFor();
      await shot(page, 'refused-gone');
      await unsent.getByRole('button', { name: act }).click();
      await unsent.waitFor({ state: 'detached' });
      if (act === 'Dismiss') continue;
      await until('its words are there', async () => (await prompt(page).inputValue()) === 'Round down\nas always');
      await page.locator('.draft-files').getByText(FILE.name).waitFor();
      await prompt(page).fill('');
    }
    t.deepEqual(faults, []);
  },
);

test.serial('an answer, a message and an errand that are too long say so, and keep their lines', async (t) => {
  t.timeout(120_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round the refunds' }));
  errand.begin();
  errand.ask('Which rounding?');
  const { id } = await sendErrand(api, { prompt: 'Mend the lamp' });
  const [path, other, fresh] = [`/errands/${errand.id}`, `/errands/${id}`, '/new?repo=errand://sample'];
  const long = `first line\n${'a'.repeat(LIMITS.text_chars_max - 10)}`;
  for (const [at, field, send] of [
    [path, answer(page).locator('textarea'), answer(page).getByRole('button', { name: 'Send' })],
    [other, composer(page), page.locator('form.composer button[type=submit]')],
    [fresh, prompt(page), page.locator('button.send')],
  ] as const) {
    await page.goto(network.url + at);
    await field.fill(long);
    const why = page.getByText('32,001 of 32,000 characters: shorten the text, and it can be sent.');
    await why.waitFor();
    await shot(page, `too-long-${at === fresh ? 'new' : await field.getAttribute('class')}`);
    t.is(await field.inputValue(), long);
    t.true(await send.isDisabled());
    await field.fill(long.slice(0, -1));
    await why.waitFor({ state: 'detached' });
    t.true(await send.isEnabled());
  }
  t.deepEqual(faults, []);
});

test.serial('why something was not sent is told in the language of the person', async (t) => {
  t.timeout(60_000);
  const { api, network, page } = await openAppLoggedIn(t, { locale: 'de-DE' });
  const { id } = await sendErrand(api);
  const say = async (text: string, status: number, code: string, detail: string): Promise<void> => {
    const body = JSON.stringify({ type: 'about:blank', title: 'No', status, code, detail });
    await page.unrouteAll();
    await page.route(/\/messages$/, (route) =>
      route.fulfill({ status, contentType: 'application/problem+json', body }),
    );
    await composer(page).fill(text);
    await composer(page).press('ControlOrMeta+Enter');
  };
  await page.goto(`${network.url}/errands/${id}`);
  await say('Halt', 409, 'conflict', WHY);
  await page.getByText(`nicht angenommen: Der Server sagt: „${WHY}“`).waitFor();
  await say('Weiter', 500, 'internal', 'It broke.');
  await page.getByText(/^nicht gesendet \(versucht: .*\): Auf dem Server ging etwas schief\./).waitFor();
  await page.evaluate(async () => {
    const opened = indexedDB.open('errand');
    await new Promise((resolve) => (opened.onsuccess = resolve));
    const store = opened.result.transaction('outbox', 'readwrite').objectStore('outbox');
    const all = store.getAll();
    await new Promise((resolve) => (all.onsuccess = resolve));
    for (const entry of all.result as object[])
      store.put({ ...entry, at: '2020-01-01T00:00:00.000Z', failed: undefined });
    await new Promise((resolve) => (store.transaction.oncomplete = resolve));
    opened.result.close();
  });
  await page.reload();
  await page.getByText('nicht angenommen: Es hat länger als eine Woche gewartet.').waitFor();
  t.pass();
});
