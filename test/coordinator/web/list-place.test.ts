import test from 'ava';
import { temporaryFolder } from '../../support/folder.ts';
import { addErrands } from '../../support/many-errands.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK } from '../../support/web/browser.ts';
import { press } from './by-keyboard.ts';

for (const count of [60, 400])
  test.serial(`who comes back to a list of ${count} finds it where it was, with what was searched for`, async (t) => {
    t.timeout(120_000);
    const { server, session, page, faults } = await openAppLoggedIn(t, { profile: await temporaryFolder(t) });
    addErrands(server.log, session.user.id, count, (i) => ({ title: `Errand ${i} of many`, status: 'cancelled' }));
    await page.reload();
    await page.locator('.task').first().waitFor();
    const top = () => page.evaluate(() => document.querySelector('.inbox .body')?.scrollTop ?? -1);
    await page.evaluate(() => document.querySelector('.inbox .body')?.scrollTo(0, 2_000));
    // While a list flies by it draws little of each row; a click needs one row that is there until it ends.
    await page.waitForFunction(() => document.elementFromPoint(150, 400)?.closest('a')?.querySelector('.where'));
    await page.mouse.click(150, 400);
    await page.locator('.goal').waitFor();
    await page.goBack();
    await page.locator('.task').first().waitFor();
    await until('it is where it was', async () => Math.abs((await top()) - 2_000) < 2);

    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('searchbox').fill('Errand 7 ');
    await page.getByRole('link', { name: /Errand 7 of many/ }).click();
    await page.locator('.goal').waitFor();
    await page.goBack();
    t.is(await page.getByRole('searchbox').inputValue(), 'Errand 7 ');
    await page.getByRole('link', { name: /Errand 7 of many/ }).waitFor();
    t.deepEqual(faults, []);
  });

test.serial('a long list stays where the person scrolled it while the other screens were loading', async (t) => {
  t.timeout(60_000);
  const { server, session, context, page } = await openAppLoggedIn(t);
  addErrands(server.log, session.user.id, 400, (i) => ({ title: `Errand ${i} of many`, status: 'cancelled' }));
  await page.evaluate(async () => {
    for (const each of await navigator.serviceWorker.getRegistrations()) await each.unregister();
  });
  const come = Promise.withResolvers<void>();
  let is_held = false;
  const first = (await page.locator('script[type=module]').getAttribute('src')) ?? '';
  await context.route('**/app/part-*', async (route) => {
    const response = await route.fetch();
    // The first part names it too.
    const is_screens = !route.request().url().endsWith(first) && (await response.text()).includes('composer-field');
    if (is_screens) {
      is_held = true;
      await come.promise;
    }
    await route.fulfill({ response });
  });
  await page.reload({ waitUntil: 'commit' });
  await page.locator('.task').first().waitFor();
  await until('the screens are held back', () => is_held);
  const top = await page.evaluate(() => {
    const body = document.querySelector('.inbox .body');
    body?.scrollTo(0, 2_000);
    return body?.scrollTop;
  });
  t.is(top, 2_000);
  come.resolve();
  await page.locator('ul.rows.long').waitFor();
  await page.locator('ul.rows.long .where').first().waitFor();
  t.is(await page.evaluate(() => document.querySelector('.inbox .body')?.scrollTop), 2_000);
  // Parts that are still loading when the page closes are no fault.
  await context.unrouteAll({ behavior: 'ignoreErrors' });
});

test.serial('beside the list the page has the name of the errand as long as that is open', async (t) => {
  t.timeout(60_000);
  const { server, session, page } = await openAppLoggedIn(t, { size: DESK });
  addErrands(server.log, session.user.id, 1, () => ({ title: 'Round up', status: 'cancelled' }));
  await page.getByRole('link', { name: /Round up/ }).click();
  await page.waitForFunction(() => document.title === 'Round up · Errand');
  await page.goBack();
  await page.waitForFunction(() => document.title === 'Errand');
  t.pass();
});

test.serial('on a phone the focus follows into a screen, and comes back to where it was in the list', async (t) => {
  t.timeout(60_000);
  const { server, session, page } = await openAppLoggedIn(t);
  addErrands(server.log, session.user.id, 3, (i) => ({ title: `Errand ${i}`, status: 'cancelled' }));
  const focused = () =>
    page.evaluate(
      () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
    );
  await press(page, page.getByRole('link', { name: /Errand 1/ }));
  await page.locator('.goal').waitFor();
  t.is(await focused(), 'Errand 1');
  await page.goBack();
  await page.locator('.task').first().waitFor();
  t.regex(await focused(), /Errand 1/);
  await press(page, page.getByRole('link', { name: 'Settings' }));
  await page.getByText('this device').waitFor();
  t.is(await focused(), 'Settings');
});
