import test from 'ava';
import type { Page } from 'playwright-core';
import { listPendingMessages } from '../../../coordinator/sqlite/messages.ts';
import { openNeeds } from '../../../protocol/task.ts';
import { askForHost } from '../../../coordinator/worker-api/egress/ask-for-host.ts';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { taskOf } from '../../support/fixtures.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE, SIZES } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const OPTIONS = ['Half up, as for invoices', 'Half even, as the bank does', 'Down'];
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });

type Scene = Awaited<ReturnType<typeof openAppLoggedIn>>;

async function asking(scene: Scene, body: object = {}) {
  const { server, api } = scene;
  const { id } = await sendErrand(api, { prompt: 'Round the refunds' });
  const errand = new LivelyErrand(server, { id });
  errand.begin();
  const question = 'Which rounding for refunds?\nInvoices round half up.';
  errand.report({ type: 'question.asked', body: { ref: 'q1', question, options: OPTIONS, ...body } });
  const said = () => listPendingMessages(server.db, id).map(({ text }) => text);
  const open = async () => openNeeds(await api.call('getTask', { params: { id } })).map(({ kind }) => kind);
  return { id, errand, said, open };
}

for (const [name, size] of SIZES)
  test.serial(
    `on a ${name}: one touch in the list answers, can be undone for five seconds, and is then sent`,
    async (t) => {
      t.timeout(120_000);
      const scene = await openAppLoggedIn(t, { size });
      const { page, faults } = scene;
      const { said, open } = await asking(scene);
      await button(page, 'Half up, as for invoices').click();
      await button(page, /^Undo/).click();
      await button(page, 'Half even, as the bank does').click();
      await button(page, /^Undo/).waitFor();
      t.deepEqual(said(), []);
      await until('the answer has come', () => said().length > 0, 15_000);
      t.deepEqual(said(), ['Half even, as the bank does']);
      t.deepEqual(await open(), []);
      await button(page, 'Down').waitFor({ state: 'detached' });
      t.deepEqual(faults, []);
    },
  );

test.serial('an answer that was given before the app died is sent when it is opened again', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t, { size: PHONE });
  const { page, context, network } = scene;
  const { said } = await asking(scene);
  await button(page, 'Down').click();
  await button(page, /^Undo/).waitFor();
  const opened = await context.newPage();
  await Promise.all([page.waitForEvent('crash'), page.goto('chrome://crash').catch(() => undefined)]);
  await page.close();
  await opened.goto(network.url);
  await until('the answer has come', () => said().length > 0, 20_000);
  t.deepEqual(said(), ['Down']);
});

test.serial('an answer is final, and is sent at once, when the app leaves the screen', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t, { size: PHONE });
  const { page, faults } = scene;
  const { said } = await asking(scene);
  // For the page of a phone that is locked no time passes.
  await page.evaluate(() => {
    const at = Date.now();
    Date.now = () => at;
  });
  await button(page, 'Down').click();
  await button(page, /^Undo/).waitFor();
  t.deepEqual(said(), []);
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await until('the answer has come', () => said().length > 0, 15_000);
  t.deepEqual(said(), ['Down']);
  await button(page, /^Undo/).waitFor({ state: 'detached' });
  t.deepEqual(faults, []);
});

test.serial(
  'several options and words of one’s own go as one answer, from the address of the decision alone',
  async (t) => {
    t.timeout(120_000);
    const scene = await openAppLoggedIn(t, { size: PHONE });
    const { page, network } = scene;
    const { id, said } = await asking(scene, { multiple: true });
    await page.goto(`${network.url}/errands/${id}/decision`);
    await button(page, 'Down').click();
    await button(page, 'Half up, as for invoices').click();
    await page.getByPlaceholder('Answer…').fill('but test both');
    await button(page, 'Send the answer').click();
    await until('the answer has come', () => said().length > 0, 15_000);
    t.deepEqual(said(), ['- Half up, as for invoices\n- Down\n\nbut test both']);
    await page.getByText('There is nothing to decide here any more.').waitFor();
  },
);

test.serial('a second device learns how it was answered', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t, { size: PHONE });
  const { page, api } = scene;
  const { id, said } = await asking(scene);
  await page.goto(`${scene.network.url}/errands/${id}`);
  await button(page, 'Down').click();
  const [need] = openNeeds(await api.call('getTask', { params: { id } }));
  const params = { id, need_id: need?.id ?? '' };
  await api.call('answerNeed', { params, body: { choose: ['1'] }, headers: { 'user-agent': 'errand-cli' } });
  await page.getByText(/answered already: “Half up, as for invoices” from errand-cli/).waitFor();
  t.deepEqual(said(), ['Half up, as for invoices']);
});

for (const [name, size] of SIZES)
  test.serial(
    `on a ${name}: work to approve and a blocked host are decisions too, and hostile text stays text`,
    async (t) => {
      t.timeout(120_000);
      const scene = await openAppLoggedIn(t, { size });
      const { page, server, network, faults } = scene;
      const { id, errand, open } = await asking(scene, {
        question: '<img src=x onerror=alert(1)> \u202eWhich?',
        options: ['<b>one</b>', '[x](javascript:alert(1))'],
      });
      await button(page, '<b>one</b>').first().waitFor();
      t.is(await page.locator('.decision img, .decision b, .decision a').count(), 0);
      errand.report({ type: 'question.closed', body: { ref: 'q1', answered: false } });
      const ask = askForHost(server.log, createLogger('silent'));
      ask({ task_id: id }, 'registry.example.org');
      await page.getByText('A command wanted to reach registry.example.org').waitFor();
      await page.goto(`${network.url}/errands/${id}/decision`);
      await button(page, 'Allow for this errand').last().click();
      await until('it is decided', async () => (await open()).length === 0, 15_000);
      // The worker hears the answer.
      for (const { id: message_id, text } of listPendingMessages(server.db, id))
        errand.report({ type: 'input.added', body: { turn: 1, source: 'person', message_id, text } });
      const commit = 'c'.repeat(40);
      errand.askToPush(commit);
      await page
        .getByRole('link', { name: /See the changes/ })
        .last()
        .waitFor();
      await button(page, 'Push it').last().click();
      await until('it is approved', () => taskOf(server.log, id).approved_commit === commit, 15_000);
      t.deepEqual(faults, []);
    },
  );

test.serial(
  'words and files for one question do not become those of the next, which has come in its place',
  async (t) => {
    t.timeout(120_000);
    const scene = await openAppLoggedIn(t);
    const { page, faults } = scene;
    const { errand } = await asking(scene);
    const field = page.locator('.task .answer textarea');
    await field.fill('For the first');
    const file = { name: 'first.txt', mimeType: 'text/plain', buffer: Buffer.from('first') };
    await page.locator('.task .answer input[type=file]').first().setInputFiles(file);
    await page.getByText('first.txt').waitFor();
    // At once, as for a phone that was away meanwhile.
    errand.report(
      { type: 'question.closed', body: { ref: 'q1', answered: false } },
      { type: 'question.asked', body: { ref: 'q2', question: 'And which currency?' } },
    );
    await page.getByText('And which currency?').waitFor();
    t.is(await field.inputValue(), '');
    t.is(await page.locator('.task .draft-files').count(), 0);
    t.deepEqual(faults, []);
  },
);

test.serial(
  'who answers by keyboard keeps the place in the card, and no second of the countdown is read aloud',
  async (t) => {
    t.timeout(120_000);
    const scene = await openAppLoggedIn(t);
    const { page, faults } = scene;
    await asking(scene);
    const focused = () => page.evaluate(() => document.activeElement?.textContent);
    await button(page, 'Down').focus();
    await page.keyboard.press('Enter');
    await button(page, /^Undo/).waitFor();
    t.regex((await focused()) ?? '', /^Undo/);
    t.is(await page.locator('[role=status] button').count(), 0);
    await page.keyboard.press('Enter');
    await button(page, 'Down').waitFor();
    await page.locator('.decision:focus').waitFor();
    await page.keyboard.press('Enter');
    t.is(await button(page, /^Undo/).count(), 0, 'one key too many answers nothing');
    t.deepEqual(faults, []);
  },
);

test.serial('the Markdown of a question is drawn, in the list and in the errand', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page, network, faults } = scene;
  const { id } = await asking(scene, { question: 'Which **rounding**?\nAs `now`' });
  await page.locator('.task .decision strong', { hasText: /^rounding$/ }).waitFor();
  await page.goto(`${network.url}/errands/${id}`);
  await page.locator('.talk .decision strong', { hasText: /^rounding$/ }).waitFor();
  t.is(await page.locator('.decision code').textContent(), 'now');
  t.deepEqual(faults, []);
});

test.serial('a question that is too long for the list fades out there, and leads to the whole', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t, { size: PHONE });
  const { page, faults } = scene;
  const paragraphs = Array.from(
    { length: 12 },
    (_, i) => `Reason ${i}: ${'the cents have to go somewhere. '.repeat(5)}`,
  );
  await asking(scene, { question: ['Which rounding?', ...paragraphs].join('\n\n') });
  const question = page.locator('.task .question.cut');
  await question.waitFor();
  t.is(
    await question
      .locator('p')
      .first()
      .evaluate((each) => getComputedStyle(each).fontWeight),
    '400',
  );
  await page.locator('.task').getByRole('link', { name: 'Open the errand' }).click();
  await page.locator('.talk .question', { hasText: 'Reason 11' }).waitFor();
  t.is(await page.locator('.talk .question.cut').count(), 0);
  t.deepEqual(faults, []);
});

test.serial('a question that fits into the list leads nowhere', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t, { size: PHONE });
  await asking(scene);
  await scene.page.locator('.task .question').waitFor();
  await button(scene.page, 'Down').waitFor();
  t.is(await scene.page.locator('.task').getByRole('link', { name: 'Open the errand' }).count(), 0);
});

test.serial('what one says to work that one sends back stands once in the conversation', async (t) => {
  t.timeout(60_000);
  const scene = await openAppLoggedIn(t);
  const { page, network, faults } = scene;
  const { id, errand, said } = await asking(scene);
  errand.report({ type: 'question.closed', body: { ref: 'q1', answered: false } });
  errand.askToPush('c'.repeat(40));
  await page.goto(`${network.url}/errands/${id}`);
  await page.getByPlaceholder('Say what should change…').fill('Rename it first');
  await button(page, 'Send the answer').click();
  await until('it is sent back', () => said().length > 0, 15_000);
  await page.locator('.talk .note', { hasText: /^Send it back · / }).waitFor();
  await page.locator('.talk .decision').waitFor({ state: 'detached' });
  t.is(await page.locator('.talk').getByText('Rename it first').count(), 1);
  t.deepEqual(faults, []);
});

test.serial('an errand with an open decision opens at its question, with no second field for the answer', async (t) => {
  t.timeout(60_000);
  const scene = await openAppLoggedIn(t, { size: { width: PHONE.height, height: PHONE.width } });
  const { page, network, faults } = scene;
  const { id, errand } = await asking(scene);
  for (let n = 0; n < 30; n++) errand.say(`Step ${n}`);
  await page.goto(`${network.url}/errands/${id}`);
  await page.locator('.talk .answer textarea').waitFor();
  const top = async (part: string) => (await page.locator(part).boundingBox())?.y ?? 0;
  await until('the question shows', async () => Math.abs((await top('.talk .decision')) - (await top('.talk'))) < 10);
  await page.locator('.talk').hover();
  await page.mouse.wheel(0, 90);
  await until('one reads on', async () => (await top('.talk .decision')) < (await top('.talk')) - 40);
  const read_at = await top('.talk .decision');
  errand.spend(0.5);
  await page.getByText('$0.50 of').waitFor();
  t.is(await top('.talk .decision'), read_at);
  t.is(await page.locator('.composer textarea').count(), 0);
  await page.locator('.composer').getByRole('button', { name: 'Stop' }).waitFor();
  t.deepEqual(faults, []);
});
