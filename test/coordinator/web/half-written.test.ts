import test from 'ava';
import type { Page } from 'playwright-core';
import { sendErrand } from '../../support/send-errand.ts';
import { openAppLoggedIn, type AppScene } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import { draftIsKept } from './kept-draft.ts';

const label = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const field = (page: Page) => page.locator('.note-on-line textarea');

/** A diff that adds these lines to an empty file. */
const adding = (path: string, ...lines: string[]) =>
  `diff --git a/${path} b/${path}
index 1111111..2222222 100644
--- a/${path}
+++ b/${path}
@@ -0,0 +1,${lines.length} @@
${lines.map((line) => `+${line}\n`).join('')}`;

const many = (path: string, count: number) =>
  adding(path, ...Array.from({ length: count }, (_, i) => `${path} line ${i}`));

/** The changes of an errand; `next` makes them others while they are read. */
async function openChanges({ server, api, network, page }: AppScene, diff: string) {
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({}, diff);
  const url = `${network.url}/errands/${errand.id}/changes`;
  await page.goto(url);
  const next = async (other: string): Promise<void> => {
    await api.call('createMessage', { params: { id: errand.id }, body: { text: 'Go on' } });
    errand.begin();
    errand.succeed({}, other);
  };
  return { next, url };
}

test.serial('half-written words about a line move with it, also in a form that was opened again', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page, faults } = scene;
  const { next } = await openChanges(scene, adding('a', 'one', 'two', 'three'));
  await page.locator('.line-of', { hasText: 'two' }).click();
  await field(page).fill('About two');
  await draftIsKept(page, 'About two');
  await next(adding('a', 'zero', 'half', 'one', 'two', 'three'));
  await page.locator('.line-of', { hasText: 'half' }).waitFor();
  const commented = page.locator('.line-of:has(+ .note-on-line)');
  t.regex((await commented.textContent()) ?? '', /^4.*two$/);
  t.is(await field(page).inputValue(), 'About two');
  await label(page, 'Add comment').click();
  t.regex((await commented.textContent()) ?? '', /^4.*two$/);
  await label(page, 'Send 1 comment').waitFor();
  t.deepEqual(faults, []);
});

test.serial('half-written words about a line that is gone are shown, and open no file', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page, faults } = scene;
  const { next, url } = await openChanges(scene, adding('a', 'one', 'two'));
  await page.locator('.line-of', { hasText: 'two' }).click();
  await field(page).fill('About two');
  await draftIsKept(page, 'About two');
  await next(many('a', 500));
  const lost = page.locator('.lost-comments > .note-on-line');
  await lost.waitFor();
  t.regex((await lost.textContent()) ?? '', /a, line 2 of an earlier version.*two/);
  t.is(await field(page).inputValue(), 'About two');
  await page.goto('about:blank');
  await page.goto(url);
  await label(page, '500 lines: show them').waitFor();
  await lost.waitFor();
  t.is(await page.locator('.line-of').count(), 0);
  await field(page).fill('');
  await field(page).pressSequentially('Other words about two');
  t.is(await field(page).inputValue(), 'Other words about two');
  await label(page, 'Add comment').click();
  await label(page, 'Send 1 comment').waitFor();
  t.deepEqual(faults, []);
});

test.serial('a touch closes a form without words, and takes none from one with words', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page, faults } = scene;
  await openChanges(scene, adding('a', 'one', 'two', 'three'));
  const line = (text: string) => page.locator('.line-of', { hasText: text });
  await line('one').click();
  await line('two').click();
  t.is(await field(page).count(), 1);
  await line('two').click();
  t.is(await field(page).count(), 0);
  await line('two').click();
  await field(page).fill('About two');
  await line('two').click();
  await line('three').click();
  t.is(await field(page).count(), 2);
  t.is(await field(page).first().inputValue(), 'About two');
  t.deepEqual(faults, []);
});

test.serial('the lines that are open bound those that open, whatever comes first', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { page, faults } = scene;
  const files = (name: string) => Array.from({ length: 5 }, (_, i) => many(`${name}${i}`, 250)).join('');
  const { next } = await openChanges(scene, files('b'));
  await page.locator('.line-of', { hasText: 'b4 line 249' }).waitFor();
  await next(files('a') + files('b'));
  await page.locator('.file', { hasText: 'a0' }).waitFor();
  t.is(await page.locator('.line-of').count(), 1_500);
  t.is(await page.locator('.line-of', { hasText: 'b4 line 249' }).count(), 1);
  t.deepEqual(faults, []);
});
