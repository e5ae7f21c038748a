import { join } from 'node:path';
import test from 'ava';
import type { Page } from 'playwright-core';
import type { ServerState } from '../../../protocol/server.ts';
import { Api } from '../../support/api.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { logIn, openAppLoggedIn } from '../../support/web/app-scene.ts';
import { openBrowser, SIZES } from '../../support/web/browser.ts';

const SHOTS = process.env['ERRAND_TEST_SHOTS'];

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });
const sheet = (page: Page) => page.getByRole('dialog');

for (const [name, size] of SIZES)
  test.serial(
    `on a ${name}: a device is added by a QR code: one touch logs it in, and it shows among the devices`,
    async (t) => {
      t.timeout(60_000);
      const { network, page, faults } = await openAppLoggedIn(t, { size });
      await page.goto(`${network.url}/settings`);
      await button(page, 'Add a phone').click();
      await sheet(page).locator('.qr .qr-dark').waitFor();
      const link = (await sheet(page).locator('.link-text').textContent()) ?? '';
      t.true(link.startsWith(`${network.url}/#login=`));
      await sheet(page).getByText('No other device reaches this address').waitFor();

      const phone = await (await openBrowser(t, { size })).open();
      await phone.page.goto(link);
      await button(phone.page, 'Log in on this device').click();
      await phone.page.getByText('live', { exact: true }).first().waitFor();
      t.is(phone.page.url(), `${network.url}/`);

      await sheet(page).getByRole('button', { name: 'Close' }).click();
      await page
        .locator('.devices li', { hasText: 'Chrome, Android' })
        .or(page.locator('.devices li').nth(1))
        .waitFor();
      t.is(await page.locator('.devices', { hasText: 'this device' }).count(), 1);

      // The link is used up. Whoever is logged in already may stay so.
      await phone.page.goto('about:blank');
      await phone.page.goto(link);
      await button(phone.page, 'Log in on this device').click();
      await phone.page.getByText('it was mistyped or cut off, was used').waitFor();
      await button(phone.page, /^Stay logged in as/).click();
      await phone.page.getByText('live', { exact: true }).first().waitFor();
      t.deepEqual([...faults, ...phone.faults], []);
    },
  );

test.serial('the owner invites, blocks, lets in again and removes a person, whose app learns it at once', async (t) => {
  t.timeout(90_000);
  const { server, network, page, faults } = await openAppLoggedIn(t);
  await page.goto(`${network.url}/settings`);
  await page.getByRole('link', { name: /This server/ }).click();
  await button(page, 'Invite someone').click();
  const link = (await sheet(page).locator('.link-text').textContent()) ?? '';
  await sheet(page).getByRole('button', { name: 'Close' }).click();
  await page.getByText('Open invitation').waitFor();

  const bob = await (await openBrowser(t)).open();
  await bob.page.goto(link);
  await bob.page.getByRole('heading', { name: 'Join this server' }).waitFor();
  await bob.page.fill('input[name=email]', 'bob@example.org');
  await bob.page.fill('input[name=password]', PASSWORD);
  await button(bob.page, 'Create account').click();
  await bob.page.getByText('live', { exact: true }).first().waitFor();
  const body = { email: 'bob@example.org', password: PASSWORD };
  const { access_token } = await new Api(server.url).call('login', { body });
  const task = await sendErrand(new Api(server.url, access_token));

  await page.reload();
  await button(page, 'Manage bob@example.org').click();
  await button(page, 'Block').click();
  await sheet(page).getByText('Block bob@example.org?').waitFor();
  await button(page, 'Block').click();
  await page.getByText(/blocked since/).waitFor();
  await bob.page.getByText('Your log-in has ended').waitFor();
  t.is(
    (server.db.prepare('SELECT status FROM tasks WHERE id = ?').get(task.id) as { status: string }).status,
    'cancelled',
  );
  await bob.page.fill('input[name=password]', PASSWORD);
  await button(bob.page, 'Log in').click();
  await bob.page.getByText('has blocked your account').waitFor();

  await button(page, 'Manage bob@example.org').click();
  await button(page, 'Unblock').click();
  await until('bob is not blocked', async () => (await page.getByText(/blocked since/).count()) === 0);
  await button(bob.page, 'Log in').click();
  await bob.page.getByText('live', { exact: true }).first().waitFor();

  await button(page, 'Manage bob@example.org').click();
  await button(page, 'Remove').click();
  await sheet(page).getByText('Remove bob@example.org?').waitFor();
  await button(page, 'Remove').click();
  await until('bob is gone', async () => (await page.getByText('bob@example.org').count()) === 0);
  t.deepEqual([...faults, ...bob.faults], []);
});

test.serial('a server that starts no errands names what does not work, in the words of the app', async (t) => {
  const { server, network, page } = await openAppLoggedIn(t);
  const detail = "The server's disk is nearly full: 68 MB free; new errands wait until 625 MB are free.";
  server.readiness.ready = false;
  server.readiness.checks['disk'] = { ok: false, detail };
  await page.goto(`${network.url}/settings`);
  await page.getByText('Disk: nearly full: 68 MB free. New errands wait for 625 MB').waitFor();
  await page.getByText('Starts no errands now').waitFor();
  t.is(await page.locator('.checks .fault').count(), 1);
});

test.serial('a server that starts errands and has a fault beside that does not say that all is well', async (t) => {
  const { server, network, page } = await openAppLoggedIn(t);
  await page.goto(`${network.url}/settings`);
  await page.getByText('All is well').waitFor();
  server.readiness.checks['backup'] = { ok: false, detail: 'there is no backup yet' };
  server.readiness.checks['disk'] = { ok: true, detail: '76800 MB free' };
  await page.reload();
  await page.getByText('Starts errands, but not all is well').waitFor();
  await page.getByText('Disk: 80.5 GB free').waitFor();
  t.is(await page.locator('.checks .fault').count(), 1);
});

test.serial('a wrong current password is named at its field, and the right one changes it', async (t) => {
  t.timeout(60_000);
  const { network, page, faults } = await openAppLoggedIn(t);
  await page.goto(`${network.url}/settings`);
  await page.getByLabel('Current password').fill('not the one');
  await page.getByLabel('New password').fill('another horse battery');
  await button(page, 'Save').click();
  await page.locator('.field.wrong', { hasText: 'Your current password is wrong.' }).waitFor();
  await page.getByLabel('Current password').fill(PASSWORD);
  await button(page, 'Save').click();
  await page.getByText('The password is changed.').waitFor();
  t.is(await page.getByText('is wrong').count(), 0);
  t.deepEqual(faults, []);
});

test.serial('a new password is sent once, and then the devices that it has logged out are gone', async (t) => {
  t.timeout(60_000);
  const { network, page, faults } = await openAppLoggedIn(t);
  await page.goto(`${network.url}/settings`);
  // This device, and that of the test.
  await page.locator('.devices li').nth(1).waitFor();
  let asked = 0;
  const answers = Promise.withResolvers<void>();
  await page.route('**/auth/password', async (route) => {
    asked++;
    await answers.promise;
    await route.continue();
  });
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByLabel('New password').fill('another horse battery');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Enter');
  answers.resolve();
  await page.getByText('The password is changed.').waitFor();
  // The list is read anew: for a moment there is none.
  await until('this device is left', async () => (await page.locator('.devices li').count()) === 1);
  t.is(asked, 1);
  t.deepEqual(faults, []);
});

test.serial(
  'the owner sees health in words, plots with a text each, and the settings; a member sees none of it',
  async (t) => {
    t.timeout(60_000);
    const { server, network, page, faults } = await openAppLoggedIn(t);
    await page.route('**/server/state', async (route) => {
      const response = await route.fetch();
      const state = (await response.json()) as ServerState;
      const sample = { at: new Date().toISOString(), queued: 0, at_work: 0, disk_free_bytes: 1 };
      const days = state.money.days.map((day) => ({ ...day, cost_usd: 1 }));
      await route.fulfill({
        json: { ...state, samples: Array.from({ length: 12 }, () => sample), money: { ...state.money, days } },
      });
    });
    await page.goto(`${network.url}/settings/server`);
    await page.getByText('All is well: errands are started.').waitFor();
    t.is(await page.getByText('after an hour').count(), 0);
    for (const name of [/^Now: empty\./, /^Now: 0 of 2 at work/, /today, .* this month/, /free|of .*GB|GB/])
      await page.getByRole('img', { name }).first().waitFor();
    await page.getByText('There are no backups.').waitFor();
    await page.locator('summary', { hasText: 'The server' }).click();
    const name = page.getByText('ERRAND_SIGNUP', { exact: true });
    const signup = page.locator('.in-force > div', { has: name });
    t.regex((await signup.textContent()) ?? '', /set in the environment.*open/);

    const { session } = await server.person('member@example.org');
    const member = await (await openBrowser(t)).open();
    await member.page.goto(network.url);
    await member.page.fill('input[name=email]', session.user.email);
    await member.page.fill('input[name=password]', PASSWORD);
    await button(member.page, 'Log in').click();
    await member.page.getByText('live', { exact: true }).first().waitFor();
    await member.page.goto(`${network.url}/settings`);
    await member.page.locator('.devices li').first().waitFor();
    t.is(await member.page.getByRole('link', { name: /This server/ }).count(), 0);
    await member.page.locator('.devices', { hasText: 'last used now' }).waitFor();
    const before = new Date(Date.now() - 2 * 3600 * 1000).toISOString();
    server.db.prepare('UPDATE refresh_tokens SET created_at = ?').run(before);
    await member.page.reload();
    await member.page.locator('.devices', { hasText: /last used 2.h ago/ }).waitFor();
    if (SHOTS !== undefined) await member.page.screenshot({ path: join(SHOTS, 'member-devices.png') });
    await member.page.goto(`${network.url}/settings/server`);
    await member.page.getByText('This page is for the owner of this server.').waitFor();
    t.is(await button(member.page, 'Invite someone').count(), 0);
    if (SHOTS !== undefined) await member.page.screenshot({ path: join(SHOTS, 'member-server.png') });
    t.deepEqual([...faults, ...member.faults], []);
  },
);

test.serial('a server that has just begun shows how it does in words, without an empty plot', async (t) => {
  t.timeout(60_000);
  const { network, page, faults } = await openAppLoggedIn(t);
  await page.goto(`${network.url}/settings/server`);
  await page.getByText('The course of the last day shows after an hour.').waitFor();
  for (const value of ['empty', '0 of 2 at work', 'this month', 'GB'])
    await page.locator('.plot', { hasText: value }).first().waitFor();
  t.is(await page.locator('.plot svg').count(), 0);
  t.deepEqual(faults, []);
});

test.serial('a double touch makes one invitation, and one link for a phone', async (t) => {
  t.timeout(60_000);
  const { network, page, faults } = await openAppLoggedIn(t);
  const made: string[] = [];
  page.on('request', (request) => {
    if (request.method() === 'POST') made.push(new URL(request.url()).pathname);
  });
  const touchTwice = async (name: string) => {
    await button(page, name).evaluate((each: HTMLElement) => {
      each.click();
      each.click();
    });
    await sheet(page).locator('.link-text').waitFor();
  };
  await page.goto(`${network.url}/settings/server`);
  await touchTwice('Invite someone');
  t.is(made.filter((path) => path.endsWith('/invites')).length, 1);
  await page.goto(`${network.url}/settings`);
  await touchTwice('Add a phone');
  t.is(made.filter((path) => path.endsWith('/auth/links')).length, 1);
  t.deepEqual(faults, []);
});

test.serial(
  'without the server its owner finds its page, which says that it cannot be reached; a member does not',
  async (t) => {
    t.timeout(90_000);
    const { server, network, page } = await openAppLoggedIn(t);
    const worker = (of: Page) =>
      of.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');
    const row = (of: Page) => of.getByRole('link', { name: /This server/ });
    const bob = await server.person('bob@example.org');
    const other = await (await openBrowser(t)).open();
    await other.page.goto(network.url);
    await logIn({ ...other, session: bob.session });
    await other.page.goto(`${network.url}/settings`);
    const role = await until('it is kept', () => keptText(other.page, 'role'));
    t.is(role, 'member');
    await Promise.all([page, other.page].map(worker));
    network.offline = true;
    network.cut();
    await page.goto(`${network.url}/settings`);
    await row(page).click();
    await page.getByText('The server cannot be reached now.').first().waitFor();
    let tried = 0;
    other.page.on('requestfailed', (request) => {
      if (request.url().endsWith('/me')) tried++;
    });
    await other.page.reload();
    await other.page.getByRole('heading', { name: 'Server' }).waitFor();
    await until('it has given up', () => tried === 5);
    t.is(await row(other.page).count(), 0);

    network.offline = false;
    await page.goto(`${network.url}/settings`);
    await until('it is kept', async () => (await keptText(page, 'role')) === 'owner');
    network.offline = true;
    network.cut();
    await page.reload();
    await row(page).waitFor();
  },
);

/** A text that this device keeps. */
const keptText = (page: Page, key: string): Promise<string | undefined> =>
  page.evaluate(async (key) => {
    const opened = indexedDB.open('errand');
    await new Promise((resolve) => (opened.onsuccess = resolve));
    const read = opened.result.transaction('texts').objectStore('texts').get(key);
    await new Promise((resolve) => (read.onsuccess = resolve));
    opened.result.close();
    return read.result as string | undefined;
  }, key);
