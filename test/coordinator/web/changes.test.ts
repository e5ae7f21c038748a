import test from 'ava';
import type { Page } from 'playwright-core';
import { putDiff } from '../../../coordinator/sqlite/diffs.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { eventsOf } from '../../support/events-of.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import { draftIsKept } from './kept-draft.ts';

const label = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const said = async (api: Parameters<typeof eventsOf>[0], id: string) =>
  (await eventsOf(api, id)).filter(({ type }) => type === 'message.received').map(({ body }) => String(body.text));

/** A diff that adds these lines to an empty file. */
const adding = (...lines: string[]) =>
  `diff --git a/a.ts b/a.ts
index 1111111..2222222 100644
--- a/a.ts
+++ b/a.ts
@@ -0,0 +1,${lines.length} @@
${lines.map((line) => `+${line}\n`).join('')}`;

async function comment(page: Page, line: number, words: string): Promise<void> {
  await page.locator('.line-of.added').nth(line).click();
  await page.locator('.note-on-line textarea').fill(words);
  await label(page, 'Add comment').click();
}

test.serial('a comment stays with its line when the diff is another, also while the errand asks', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({}, adding('one', 'two', 'same', 'same', 'gone'));
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  await comment(page, 1, 'About two.');
  await comment(page, 3, 'About the second same.');
  await comment(page, 4, 'About gone.');

  await api.call('createMessage', { params: { id: errand.id }, body: { text: 'Go on' } });
  errand.begin();
  putDiff(server.db, errand.id, { diff: adding('new', 'one', 'newer', 'two', 'same', 'same'), truncated: false });
  errand.report({ type: 'question.asked', body: { ref: 'q1', question: 'Right?', options: ['Yes', 'No'] } });
  await page.locator('.line-of.added', { hasText: 'newer' }).waitFor();
  t.regex((await page.locator('.line-of.added:has(+ .note-on-line)').first().textContent()) ?? '', /^4.*two$/);
  t.is(await page.locator('.diff .note-on-line').count(), 2);
  const lost = page.locator('.lost-comments .note-on-line');
  t.regex((await lost.textContent()) ?? '', /a\.ts, line 5 of an earlier version.*gone.*About gone\./);

  await label(page, 'Send 3 comments').click();
  const message = await until('they have come', async () => (await said(api, errand.id))[1]);
  t.is(
    message,
    'Comments on your changes:\n\na.ts, line 4:\n> two\n\nAbout two.\n\na.ts, line 5:\n> same\n\nAbout the second same.\n\n' +
      'a.ts, line 5 of an earlier version:\n> gone\n\nAbout gone.',
  );
  t.deepEqual(faults, []);
});

test.serial('comments that are too long for a message stay until they are shorter; a long line is cut', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({}, adding('x'.repeat(40_000), 'b'));
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  await comment(page, 0, 'Why is this here?');
  await comment(page, 1, 'y'.repeat(LIMITS.text_chars_max));
  await page.getByText(/^Too long for one message by \d/).waitFor();
  t.is(await page.getByRole('button', { name: /^Send 2/ }).count(), 0);
  t.is(await page.locator('.note-on-line').count(), 2);
  await page.locator('.note-on-line', { hasText: 'yyy' }).getByRole('button', { name: 'Remove' }).click();
  await label(page, 'Send 1 comment').click();
  const message = await until('it has come', async () => (await said(api, errand.id))[0]);
  t.is(message, `Comments on your changes:\n\na.ts, line 1:\n> ${'x'.repeat(199)}…\n\nWhy is this here?`);
  t.deepEqual(faults, []);
});

/** A diff that has the whole of a file of so many lines, where line 50 is another one. */
function inLongFile(count: number, code: string): string {
  const lines = Array.from({ length: count }, (_, i) => (i === 49 ? `-line 50\n+${code}\n` : ` line ${i + 1}\n`));
  const head = 'diff --git a/long.ts b/long.ts\nindex 1111111..2222222 100644\n--- a/long.ts\n+++ b/long.ts\n';
  return `${head}@@ -1,${count} +1,${count} @@\n${lines.join('')}`;
}

test.serial('what changed since the last look is marked, also after a restart and without a network', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({}, adding('one', 'two', 'three') + inLongFile(60, 'before'));
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  await page.locator('.line-of.added', { hasText: 'three' }).waitFor();
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');
  t.is(await page.locator('.line-of.fresh').count(), 0, 'nothing is marked at the first look');

  await api.call('createMessage', { params: { id: errand.id }, body: { text: 'Go on' } });
  errand.begin();
  errand.succeed({}, adding('one', 'zwei', 'three', 'four'));
  const fresh = page.locator('.line-of.fresh');
  const expected = async () => {
    await page.getByText('2 lines new since your last look').waitFor();
    await page.getByText('No longer changed since your last look: long.ts').waitFor();
    t.deepEqual(await fresh.locator('i').allTextContents(), ['2', '4']);
  };
  await expected();
  t.regex((await fresh.first().textContent()) ?? '', /new since your last look: .*zwei/);
  await page.goBack();
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  await expected();
  network.offline = true;
  network.cut();
  await page.reload();
  await expected();
  t.deepEqual(faults, []);
});

test.serial(
  'the lines between the changes open, by keyboard too, and one that was commented on stays open',
  async (t) => {
    t.timeout(120_000);
    const { server, api, network, page, faults } = await openAppLoggedIn(t);
    const errand = new LivelyErrand(server, await sendErrand(api));
    errand.begin();
    errand.succeed({}, inLongFile(200, 'changed'));
    await page.goto(`${network.url}/errands/${errand.id}/changes`);
    const numbers = () => page.locator('.line-of i').allTextContents();
    await page.locator('.line-of.added', { hasText: 'changed' }).waitFor();
    t.deepEqual(await numbers(), ['47', '48', '49', '50', '50', '51', '52', '53']);
    await label(page, '⋯ 147 unchanged lines').focus();
    await page.keyboard.press('Enter');
    await page.locator('.line-of', { hasText: 'line 73' }).waitFor();
    t.deepEqual(
      (await numbers()).slice(8, 28),
      Array.from({ length: 20 }, (_, i) => String(54 + i)),
    );
    t.deepEqual(
      (await numbers()).slice(28),
      Array.from({ length: 20 }, (_, i) => String(181 + i)),
    );
    await until('the focus goes on', () =>
      page.evaluate(() => document.activeElement?.textContent?.includes('line 54')),
    );
    // What the server says anew leaves open what was opened.
    const read = page.waitForResponse(/\/diff\?/);
    network.cut();
    await (await read).finished();
    await page.getByText('live', { exact: true }).first().waitFor();
    t.is((await numbers()).length, 48);

    await page.locator('.line-of', { hasText: 'line 60' }).click();
    await page.locator('.note-on-line textarea').fill('Why not here?');
    await label(page, 'Add comment').click();
    await page.locator('.note-on-line', { hasText: 'Why not here?' }).waitFor();
    await draftIsKept(page, 'words":"Why not here?');
    await page.reload();
    await page.locator('.note-on-line', { hasText: 'Why not here?' }).waitFor();
    t.deepEqual(await numbers(), ['47', '48', '49', '50', '50', '51', '52', '53', '60']);
    await label(page, 'Send 1 comment').click();
    const message = await until('it has come', async () => (await said(api, errand.id))[0]);
    t.is(message, 'Comments on your changes:\n\nlong.ts, line 60:\n> line 60\n\nWhy not here?');
    t.deepEqual(faults, []);
  },
);

test.serial('of large changes the first files show at once, and each of the others at a touch', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const lines = Array.from({ length: 200 }, (_, i) => `+line ${i}\n`).join('');
  const files = Array.from(
    { length: 30 },
    (_, i) => `diff --git a/${i}.txt b/${i}.txt
--- a/${i}.txt
+++ b/${i}.txt
@@ -1 +1,201 @@
 first
${lines}`,
  );
  errand.succeed({ diff_stat: { files: 30, insertions: 6_000, deletions: 0 } }, files.join(''));
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  await page.locator('.file').nth(29).waitFor();
  const shown = () => page.locator('.line-of').count();
  t.true((await shown()) > 200 && (await shown()) <= 1_500, `${await shown()}`);
  const last = page.locator('.file').last();
  t.is(await last.locator('.line-of').count(), 0);
  await last.getByRole('button', { name: '201 lines: show' }).click();
  t.is(await last.locator('.line-of').count(), 201);
  t.deepEqual(faults, []);
});

test.serial(
  'a file that is open stays so, with what is written in it, though those before it have grown',
  async (t) => {
    t.timeout(120_000);
    const { server, api, network, page, faults } = await openAppLoggedIn(t);
    const errand = new LivelyErrand(server, await sendErrand(api));
    errand.begin();
    const file = (path: string, count: number) =>
      adding(...Array.from({ length: count }, (_, i) => `${path} ${i}`)).replaceAll('a.ts', path);
    const others = ['c', 'd', 'e', 'f'].map((path) => file(path, 300)).join('');
    errand.succeed({}, file('b', 100) + others);
    await page.goto(`${network.url}/errands/${errand.id}/changes`);
    await page.locator('.line-of', { hasText: /f 7$/ }).click();
    const field = page.locator('.note-on-line textarea');
    await field.fill('Half written');
    await api.call('createMessage', { params: { id: errand.id }, body: { text: 'Go on' } });
    errand.begin();
    errand.succeed({}, file('b', 399) + others);
    await page.locator('.line-of', { hasText: 'b 398' }).waitFor();
    t.is(await field.inputValue(), 'Half written');
    await draftIsKept(page, 'Half written');
    // Where it would not show at once, what is written in it opens it.
    await page.reload();
    await field.waitFor();
    t.is(await field.inputValue(), 'Half written');
    t.deepEqual(faults, []);
  },
);

test.serial('whoever cancels a comment is asked before what they wrote is thrown away', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({}, adding('one', 'x'.repeat(400)));
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  const form = page.locator('.note-on-line textarea');
  await page.locator('.line-of.added').first().click();
  await label(page, 'Cancel').click();
  await form.waitFor({ state: 'detached' });
  await page.locator('.line-of.added').first().click();
  await form.fill('Why?');
  await label(page, 'Cancel').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  t.is(await form.inputValue(), 'Why?');
  await label(page, 'Cancel').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
  await form.waitFor({ state: 'detached' });
  t.is(await page.locator('.note-on-line').count(), 0);
  t.deepEqual(faults, []);
});

test.serial(
  'a long word of a diff begins beside its sign, and a form below lines that scroll is on the screen',
  async (t) => {
    t.timeout(120_000);
    const { server, api, network, page, faults } = await openAppLoggedIn(t);
    const errand = new LivelyErrand(server, await sendErrand(api));
    errand.begin();
    errand.succeed({}, adding('one', 'x'.repeat(400)));
    await page.goto(`${network.url}/errands/${errand.id}/changes`);
    const line = page.locator('.line-of.added', { hasText: 'xxx' });
    await line.waitFor();
    const tops = await line.locator('code').evaluate((code) => {
      const range = document.createRange();
      range.selectNodeContents(code.lastChild ?? code);
      const sign = code.querySelector('.sign')?.getBoundingClientRect().top ?? 0;
      return [sign, range.getClientRects()[0]?.top ?? -1];
    });
    t.true(Math.abs((tops[0] ?? 0) - (tops[1] ?? 0)) < 4, String(tops));
    await label(page, 'Wrap lines').click();
    await line.click();
    const box = await page.locator('.note-on-line').boundingBox();
    const { width } = page.viewportSize() ?? { width: 0 };
    t.true(box !== null && box.x >= 0 && box.x + box.width <= width, JSON.stringify(box));
    t.deepEqual(faults, []);
  },
);
