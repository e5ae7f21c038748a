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

/** Moves a finger over a row, by so many pixels. */
async function swipe(page: Page, name: string, by: { x: number; y: number }): Promise<void> {
  const box = await row(page, name).boundingBox();
  if (!box) throw new Error('The row does not show.');
  const touch = await page.context().newCDPSession(page);
  const at = (part: number) => [{ x: box.x + 250 + by.x * part, y: box.y + 30 + by.y * part }];
  await touch.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints: at(0) });
  for (let i = 1; i <= 10; i++)
    await touch.send('Input.dispatchTouchEvent', { type: 'touchMove', touchPoints: at(i / 10) });
  await touch.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await touch.detach();
}

/** Touches a place of a row for a moment, at once, as a finger does that has just swiped. */
async function touch(page: Page, name: string, from_end: number): Promise<void> {
  const box = await row(page, name).boundingBox();
  if (!box) throw new Error('The row does not show.');
  const finger = await page.context().newCDPSession(page);
  const touchPoints = [{ x: box.x + box.width - from_end, y: box.y + 30 }];
  await finger.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints });
  await finger.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await finger.detach();
}

test.serial('a swipe shows what can be done to an errand: stop, try again, archive', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t);
  const works = new LivelyErrand(server, await sendErrand(api, { prompt: 'Works' }));
  works.begin();
  const broke = new LivelyErrand(server, await sendErrand(api, { prompt: 'Broke' }));
  broke.begin();
  broke.fail('verify_failed');
  await row(page, 'Broke').waitFor();
  const action = (name: string, act: string) => row(page, name).locator('.row-action', { hasText: act });
  // The first touch brings the part, for its own row.
  await until('it is there', async () => {
    await swipe(page, 'Works', { x: 0, y: -40 });
    return (await page.locator('.row-actions').count()) === 1;
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
  t.is(await action('Broke', 'Delete').count(), 0, 'a swipe deletes nothing');
  await action('Broke', 'Try again').tap();
  await until('it is tried again', async () => {
    const { status } = await api.call('getTask', { params: { id: broke.id } });
    return status === 'queued';
  });
  t.is(await page.locator('.task.aside').count(), 0);
  // The rows have their new places.
  await page.getByRole('heading', { name: 'Done' }).waitFor({ state: 'detached' });
  await swipe(page, 'Works', { x: -150, y: 5 });
  await action('Works', 'Stop').tap();
  await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).tap();
  await until('it is being stopped', async () => {
    return (await api.call('getTask', { params: { id: works.id } })).cancel_reason !== null;
  });
  t.deepEqual(faults, []);
});

test.serial('a tap right after a swipe does what it touches, and on the row itself only brings it back', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t);
  const done = new LivelyErrand(server, await sendErrand(api, { prompt: 'Done' }));
  done.begin();
  done.succeed({ summary: 'It is done.' });
  await page.getByText('It is done.').waitFor();
  await until('a touch has brought the part', async () => {
    await swipe(page, 'Done', { x: 0, y: -40 });
    return (await page.locator('.row-actions').count()) === 1;
  });
  for (let n = 0; n < 3; n++) {
    await swipe(page, 'Done', { x: -150, y: 5 });
    await touch(page, 'Done', 300);
    await page.locator('.task:not(.aside)').waitFor();
  }
  t.is(new URL(page.url()).pathname, '/', 'the touch of a row that is aside opens nothing');
  await swipe(page, 'Done', { x: -150, y: 5 });
  await touch(page, 'Done', 30);
  await until('it is archived', async () => (await row(page, 'Done').count()) === 0);
  t.is((await api.call('getTask', { params: { id: done.id } })).archived, true);
  t.deepEqual(faults, []);
});

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
