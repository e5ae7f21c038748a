import test from 'ava';
import type { Locator, Page } from 'playwright-core';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';

/** A phone that does not shrink the page for its keyboard, as an iPhone: it only says what is seen. */
function becomeIphone(height: number): void {
  const view = Object.assign(new EventTarget(), { scale: 1, height, offsetTop: 0 });
  Object.defineProperty(window, 'visualViewport', { value: view });
}

/** Opens the keyboard: `height` is what is seen above it, from `offsetTop` of the page on. */
const openKeyboard = (page: Page, height: number, offsetTop = 0): Promise<void> =>
  page.evaluate(
    (seen) => {
      const { visualViewport } = window;
      if (visualViewport) Object.assign(visualViewport, seen).dispatchEvent(new Event('resize'));
    },
    { height, offsetTop },
  );

const edges = (element: Locator): Promise<{ top: number; bottom: number }> =>
  element.evaluate((each) => {
    const { top, bottom } = each.getBoundingClientRect();
    return { top, bottom };
  });

test.serial('the keyboard of a phone covers no field, and no sheet', async (t) => {
  t.timeout(120_000);
  const { network, context, page, faults } = await openAppLoggedIn(t);
  await context.addInitScript(becomeIphone, PHONE.height);
  const [seen, panned] = [420, 120];

  await page.goto(`${network.url}/new`);
  await page.locator('.option').first().click();
  const sheet = page.locator('dialog');
  await sheet.locator('input').first().focus();
  for (const top of [0, panned]) {
    await openKeyboard(page, seen, top);
    const [box, field] = [await edges(sheet), await edges(sheet.locator('input').first())];
    t.is(Math.round(box.bottom), top + seen, 'the sheet ends where the keyboard begins');
    t.true(box.top >= top, 'and is not higher than what is seen');
    t.true(field.top >= box.top && field.bottom <= box.bottom);
  }
  await openKeyboard(page, PHONE.height);
  t.is(Math.round((await edges(sheet)).bottom), PHONE.height);

  await page.goto(`${network.url}/settings/projects/new`);
  const last = page.locator('form').locator('input:not([type=checkbox]), textarea').last();
  await last.focus();
  await openKeyboard(page, seen);
  const { top, bottom } = await edges(last);
  t.true(top >= 0 && bottom <= seen, `from ${top} to ${bottom}`);
  t.deepEqual(faults, []);
});

test.serial('the search has the focus at the end of the touch, so that a phone opens its keyboard', async (t) => {
  t.timeout(60_000);
  const { page } = await openAppLoggedIn(t);
  const focused = await page.evaluate(async () => {
    document.querySelector<HTMLElement>('[data-key=search]')?.click();
    // What is drawn is drawn at the end of the event, before the next frame.
    await Promise.resolve();
    return document.activeElement?.getAttribute('type');
  });
  t.is(focused, 'search');
});
