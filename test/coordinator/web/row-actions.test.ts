import { join } from 'node:path';
import test from 'ava';
import type { Page } from 'playwright-core';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const SHOTS = process.env['ERRAND_TEST_SHOTS'];

const row = (page: Page, name: string) => page.locator('.task', { hasText: name });

type Point = { x: number; y: number };

/** Moves a finger from a point, by so many pixels. */
async function drag(page: Page, from: Point, by: Point): Promise<void> {
  const touch = await page.context().newCDPSession(page);
  const at = (part: number) => [{ x: from.x + by.x * part, y: from.y + by.y * part }];
  await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(0) });
  for (let i = 1; i <= 10; i++)
    await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(i / 10) });
  await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await touch.detach();
}

async function swipe(page: Page, name: string, by: Point): Promise<void> {
  const box = await row(page, name).boundingBox();
  if (!box) throw new Error('The row does not show.');
  await drag(page, { x: box.x + 250, y: box.y + 30 }, by);
}

/** The middle of what a row can do, also while it is not at rest. */
async function middleOf(page: Page, name: string, act: string): Promise<Point> {
  const box = await row(page, name).locator('.row-action', { hasText: act }).boundingBox();
  if (!box) throw new Error('The action does not show.');
  return { x: box.x + box.width / 2, y: box.y + box.height / 2 };
}

async function tap(page: Page, name: string, act: string): Promise<void> {
  const { x, y } = await middleOf(page, name, act);
  await page.touchscreen.tap(x, y);
}

test.serial('a swipe shows what can be done to an errand: stop, try again, delete', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t);
  const works = new LivelyErrand(server, await sendErrand(api, { prompt: 'Works' }));
  works.begin();
  const broke = new LivelyErrand(server, await sendErrand(api, { prompt: 'Broke' }));
  broke.begin();
  broke.fail('verify_failed');
  await row(page, 'Broke').waitFor();
  // The first touch brings the part.
  await until('it is there', async () => {
    await swipe(page, 'Works', { x: 0, y: -40 });
    return (await page.locator('.row-actions').count()) === 2;
  });
  t.is(await page.locator('.task.aside').count(), 0, 'a finger that scrolls swipes nothing');

  await swipe(page, 'Works', { x: -40, y: 2 });
  await swipe(page, 'Works', { x: 80, y: 2 });
  t.is(await page.locator('.task.aside').count(), 0, 'too short, or the other way');
  await swipe(page, 'Works', { x: -150, y: 5 });
  await page.locator('.task.aside').waitFor();
  t.is(new URL(page.url()).pathname, '/', 'a swipe opens nothing');
  if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, 'swiped.png') });
  await swipe(page, 'Broke', { x: -150, y: 5 });
  await until('only one is aside', async () => (await page.locator('.task.aside').count()) === 1);
  if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, 'swiped.png') });
  await tap(page, 'Broke', 'Try again');
  await until('it is tried again', async () => {
    const { status } = await api.call('getTask', { params: { id: broke.id } });
    return status === 'queued';
  });
  t.is(await page.locator('.task.aside').count(), 0);
  await swipe(page, 'Works', { x: -150, y: 5 });
  await tap(page, 'Works', 'Stop');
  await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).tap();
  await until('it is being stopped', async () => {
    return (await api.call('getTask', { params: { id: works.id } })).cancel_reason !== null;
  });
  t.deepEqual(faults, []);
});

test.serial(
  'a tap right after a swipe counts once; one that slides off, or swipes the row back, does not',
  async (t) => {
    t.timeout(120_000);
    const { server, api, page, faults } = await openAppLoggedIn(t);
    const broke = new LivelyErrand(server, await sendErrand(api, { prompt: 'Broke' }));
    broke.begin();
    broke.fail('verify_failed');
    await row(page, 'Broke').locator('.now.fault').waitFor();
    await until('the part is there', async () => {
      await swipe(page, 'Broke', { x: 0, y: -40 });
      return (await page.locator('.row-actions').count()) === 1;
    });
    const dialogs = page.getByRole('dialog');
    for (let i = 0; i < 3; i++) {
      await swipe(page, 'Broke', { x: -150, y: 5 });
      await tap(page, 'Broke', 'Delete');
      await dialogs.waitFor();
      t.is(await dialogs.count(), 1);
      await dialogs.getByRole('button', { name: 'Cancel' }).tap();
      await dialogs.waitFor({ state: 'detached' });
    }
    for (const by of [
      { x: 0, y: 70 },
      { x: 110, y: 0 },
    ]) {
      await swipe(page, 'Broke', { x: -150, y: 5 });
      await drag(page, await middleOf(page, 'Broke', 'Delete'), by);
      await swipe(page, 'Broke', { x: -150, y: 5 });
      await row(page, 'Broke').locator('.row-action').first().waitFor();
      t.is(await dialogs.count(), 0);
    }
    t.is((await api.call('getTask', { params: { id: broke.id } })).status, 'failed');
    t.deepEqual(faults, []);
  },
);

test.serial('the button of a row does the same, by keyboard and without motion', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t, { size: DESK });
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const done = new LivelyErrand(server, await sendErrand(api, { prompt: 'Done' }));
  done.begin();
  done.succeed({ summary: 'It is done.' });
  await page.getByText('It is done.').waitFor();
  await page.keyboard.press('j');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  const sheet = page.getByRole('dialog', { name: 'Actions: Done' });
  await sheet.waitFor();
  if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, 'row-sheet.png') });
  t.is(await sheet.getByRole('button', { name: 'Try again' }).count(), 0);
  await page.keyboard.press('Escape');
  await sheet.waitFor({ state: 'detached' });
  t.is(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Actions: Done');
  const slowest = () =>
    page.locator('.task > a').evaluate((link) => parseFloat(getComputedStyle(link).transitionDuration));
  t.true((await slowest()) < 0.001);
  await page.keyboard.press('Enter');
  await sheet.getByRole('button', { name: 'Delete' }).focus();
  await page.keyboard.press('Enter');
  const confirm = page.getByRole('dialog', { name: 'Delete this errand?' });
  await confirm.getByRole('button', { name: 'Delete' }).focus();
  await page.keyboard.press('Enter');
  await until('it is gone', async () => (await row(page, 'Done').count()) === 0);
  t.is((await api.refused('getTask', { params: { id: done.id } })).code, 'not_found');
  t.deepEqual(faults, []);
});
