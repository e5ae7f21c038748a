import test from 'ava';
import type { BrowserContext, Page } from 'playwright-core';
import { openApp, openAppLoggedIn } from '../../support/web/app-scene.ts';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const isLive = (page: Page) => page.getByText('live', { exact: true }).first().waitFor();

/** An iPad: it says that it is a Mac. */
const becomeIpad = (context: BrowserContext) =>
  context.addInitScript(() => {
    const userAgent =
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15';
    Object.defineProperties(navigator, { userAgent: { value: userAgent }, maxTouchPoints: { value: 5 } });
  });

test.serial('an app that no link opens takes a pasted one: to log in, or to sign up', async (t) => {
  t.timeout(60_000);
  const { network, api, page, faults } = await openApp(t);
  const paste = async (text: string): Promise<void> => {
    await button(page, 'I have a link').click();
    await page.fill('input[name=link]', text);
    await button(page, 'Continue').click();
  };
  const invite = await api.call('createInvite', { body: {} });
  await paste(` ${network.url}/#${invite.fragment} `);
  await page.getByRole('heading', { name: 'Join this server' }).waitFor();

  await paste('not a link');
  await page.getByText('This is not a link to Errand').waitFor();
  await page.fill('input[name=link]', 'x'.repeat(32));
  await button(page, 'Continue').click();
  await page.getByText('This is not a link to Errand').waitFor({ state: 'detached' });
  await page.locator('.fault').filter({ hasText: /./ }).waitFor();

  const made = await api.call('createLoginLink', {});
  await page.fill('input[name=link]', `${network.url}/\n #${made.fragment}`);
  await button(page, 'Continue').click();
  await isLive(page);
  t.deepEqual(faults, []);
});

test.serial(
  'on iOS a link first asks for the home screen, and is not used up; the browser may log in too',
  async (t) => {
    t.timeout(60_000);
    const { network, api, context, page, faults } = await openApp(t);
    await becomeIpad(context);
    const { fragment, code } = await api.call('createLoginLink', {});
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto('about:blank');
    await page.goto(`${network.url}/#${fragment}`);
    await page.getByRole('heading', { name: 'First add Errand to the home screen' }).waitFor();
    t.is(await button(page, 'Log in on this device').count(), 0);
    await button(page, 'Copy').click();
    await button(page, 'Copied').waitFor();
    t.is(await page.evaluate(() => navigator.clipboard.readText()), `${network.url}/#login=${code}`);
    await button(page, 'Log in in this browser').click();
    await button(page, 'Log in on this device').click();
    await isLive(page);
    t.deepEqual(faults, []);
  },
);

test.serial('an iPad, which says that it is a Mac, is told how to put the app on the home screen', async (t) => {
  t.timeout(60_000);
  const { network, context, page } = await openAppLoggedIn(t);
  await becomeIpad(context);
  await page.goto(`${network.url}/settings`);
  await page.getByText('Add to Home Screen').first().waitFor();
  t.pass();
});
