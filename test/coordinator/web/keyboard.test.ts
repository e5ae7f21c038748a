import test from 'ava';
import { PASSWORD } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { openApp, openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK, PHONE } from '../../support/web/browser.ts';
import { fillGallery } from '../../support/web/gallery.ts';

for (const [name, size] of [
  ['phone', PHONE],
  ['desk', DESK],
] as const)
  test.serial(`the keys move through the list, open and leave screens, and write: ${name}`, async (t) => {
    t.timeout(120_000);
    const { server, api, session, page, faults } = await openApp(t, { size });
    const { asks, works } = await fillGallery(server, api);
    await page.keyboard.press('Tab');
    await page.locator('input[name=email]').focus();
    await page.keyboard.type(session.user.email);
    await page.keyboard.press('Tab');
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await page.locator('.task').first().waitFor();

    const focused = () => page.evaluate(() => document.activeElement?.getAttribute('href'));
    await page.keyboard.press('j');
    t.is(await focused(), `/errands/${asks.id}`);
    await page.keyboard.press('j');
    t.is(await focused(), `/errands/${works.id}`);
    await page.keyboard.press('j');
    await page.keyboard.press('k');
    t.is(await focused(), `/errands/${works.id}`);
    await page.keyboard.press('Enter');
    await page.locator('.talk .said').first().waitFor();
    t.is(new URL(page.url()).pathname, `/errands/${works.id}`);

    await page.keyboard.press('r');
    await page.keyboard.type('j /');
    t.is(await page.getByPlaceholder('Say something…').inputValue(), 'j /', 'in a field a key is a letter');
    await page.keyboard.press('Escape');
    await page.keyboard.press('d');
    await page.waitForURL(`**/errands/${works.id}/changes`);
    await page.keyboard.press('Escape');
    await page.waitForURL(`**/errands/${works.id}`);
    await page.keyboard.press('Escape');
    await page.waitForURL((url) => url.pathname === '/');

    await page.keyboard.press('/');
    await page.locator('input[type=search]:focus').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('g');
    await page.keyboard.press('s');
    await page.waitForURL('**/settings');
    await page.keyboard.press('g');
    await page.keyboard.press('i');
    await page.waitForURL((url) => url.pathname === '/');
    await page.keyboard.press('c');
    await page.waitForURL('**/new');
    await page.locator('textarea:focus').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.waitForURL((url) => url.pathname === '/');
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    t.deepEqual(faults, []);
  });

test.serial('at a desk the list leads into the errand, and goes on beside it', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t, { size: DESK });
  const { asks, works } = await fillGallery(server, api);
  await page.locator('.task').nth(1).waitFor();
  await page.locator('.nothing-open', { hasText: 'new errand' }).waitFor();
  const focused = () => page.evaluate(() => document.activeElement?.getAttribute('href'));
  const goesIn = () =>
    until('the focus is in the errand', () =>
      page.evaluate(() => document.querySelector('.errand')?.contains(document.activeElement)),
    );
  await until('the list has all', async () => (await page.locator('.task').count()) === 6);
  await page.keyboard.press('j');
  t.is(await focused(), `/errands/${asks.id}`);
  await page.keyboard.press('Enter');
  await goesIn();
  await page.keyboard.press('j');
  t.is(await focused(), `/errands/${works.id}`);
  await page.keyboard.press('k');
  await page.keyboard.press('Enter');
  await goesIn();
  t.deepEqual(faults, []);
});

test.serial('Escape closes the search, and the list is whole again', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t);
  await fillGallery(server, api);
  await page.locator('.task').first().waitFor();
  await page.keyboard.press('/');
  await page.locator('input[type=search]:focus').waitFor();
  await page.keyboard.type('nothing like it');
  await page.getByText('Nothing found').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('input[type=search]').waitFor({ state: 'detached' });
  await page.locator('.task').first().waitFor();
  t.is(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Search');
  t.deepEqual(faults, []);
});
