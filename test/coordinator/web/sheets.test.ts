import test from 'ava';
import type { Page } from 'playwright-core';
import { eventsOf } from '../../support/events-of.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import { press } from './by-keyboard.ts';

const dialog = (page: Page) => page.getByRole('dialog');
const focused = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('aria-label'));

test.serial('however a sheet is closed, the focus is where it was before', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t, { size: DESK });
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({});
  await page.goto(`${network.url}/errands/${errand.id}`);
  const details = page.getByRole('button', { name: 'Details' });
  const ways: [string, () => Promise<void>][] = [
    ['Escape', () => page.keyboard.press('Escape')],
    ['its button', () => press(page, dialog(page).getByRole('button', { name: 'Close' }))],
    ['a touch beside it', () => page.mouse.click(5, 5)],
  ];
  for (const [name, close] of ways) {
    await press(page, details);
    await dialog(page).waitFor();
    await close();
    await dialog(page).waitFor({ state: 'detached' });
    t.is(await focused(page), 'Details', name);
  }
  await press(page, details);
  await press(page, dialog(page).getByRole('button', { name: 'Delete' }));
  await dialog(page).getByText('Delete this errand?').waitFor();
  await press(page, dialog(page).getByRole('button', { name: 'Cancel' }));
  await dialog(page).waitFor({ state: 'detached' });
  t.is(await focused(page), 'Details', 'a sheet that another one has replaced');
  t.deepEqual(faults, []);
});

test.serial('a touch on the margin of a sheet, and marking a text beyond it, keep what was typed in it', async (t) => {
  t.timeout(120_000);
  const { network, page, faults } = await openAppLoggedIn(t, { size: DESK });
  await page.goto(`${network.url}/settings/notifications`);
  await page.getByRole('button', { name: 'Add a webhook' }).click();
  const field = dialog(page).getByLabel('Address');
  await field.fill('https://example.org/hook');
  const sheet = await dialog(page).boundingBox();
  const text = await field.boundingBox();
  if (!sheet || !text) return t.fail('It is not on the screen.');
  await page.mouse.click(sheet.x + 6, sheet.y + sheet.height / 2);
  t.is(await field.inputValue(), 'https://example.org/hook');
  await page.mouse.move(text.x + text.width / 2, text.y + text.height / 2);
  await page.mouse.down();
  await page.mouse.move(sheet.x - 60, text.y + text.height / 2, { steps: 4 });
  await page.mouse.up();
  t.is(await dialog(page).count(), 1);
  t.is(await field.inputValue(), 'https://example.org/hook');
  await page.mouse.click(sheet.x - 60, sheet.y);
  t.is(await field.inputValue(), 'https://example.org/hook', 'nor does a touch beside it lose what was typed');
  await dialog(page).getByRole('button', { name: 'Cancel' }).click();
  await dialog(page).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Add a webhook' }).click();
  await page.mouse.click(sheet.x - 60, sheet.y);
  await dialog(page).waitFor({ state: 'detached' });
  t.deepEqual(faults, []);
});

test.serial('to choose the model of a message does not send the message', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  await page.goto(`${network.url}/errands/${errand.id}`);
  const field = page.locator('textarea.composer-field');
  await field.fill('Not finished yet');
  await page.locator('.mind').click();
  await dialog(page).getByLabel('Model', { exact: true }).fill('claude-opus-5');
  // Not every browser keeps the one form from the other.
  await dialog(page).evaluate(({ parentElement: around }) =>
    around?.addEventListener('submit', () => (document.title = 'The form around it is sent')),
  );
  await dialog(page).getByRole('button', { name: 'Done' }).click();
  await dialog(page).waitFor({ state: 'detached' });
  t.is(await field.inputValue(), 'Not finished yet');
  t.not(await page.title(), 'The form around it is sent');
  t.is(await page.locator('.person').count(), 1);
  t.is((await eventsOf(api, errand.id)).filter(({ type }) => type === 'message.received').length, 0);
  await page.locator('.mind', { hasText: 'claude-opus-5' }).waitFor();
  t.deepEqual(faults, []);
});

test.serial('a sheet that is higher than the screen shows its beginning, such as a code to be scanned', async (t) => {
  t.timeout(60_000);
  const { network, page, faults } = await openAppLoggedIn(t, { size: { width: 844, height: 390 } });
  await page.goto(`${network.url}/settings`);
  await page.getByRole('button', { name: 'Add a phone' }).click();
  await dialog(page).getByRole('button', { name: 'Copy' }).waitFor();
  const [top, height, seen] = await dialog(page).evaluate((one) => [one.scrollTop, one.scrollHeight, one.clientHeight]);
  t.true((height ?? 0) > (seen ?? 0));
  t.is(top, 0);
  t.deepEqual(faults, []);
});
