import test from 'ava';
import { addDaySpending } from '../../../coordinator/sqlite/spending-days.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK, PHONE } from '../../support/web/browser.ts';
for (const [name, size, dark] of [
  ['phone-light', PHONE, false],
  ['phone-dark', PHONE, true],
  ['desk-light', DESK, false],
  ['desk-dark', DESK, true],
] as const)
  test.serial(name, async (t) => {
    t.timeout(60_000);
    const { server, api, network, page } = await openAppLoggedIn(t, { size, dark });
    for (let n = 0; n < 30; n++)
      addDaySpending(
        server.db,
        new Date(Date.now() - n * 86400_000).toISOString().slice(0, 10),
        (n * 7) % 5 === 0 ? 0 : ((n * 37) % 11) / 3,
      );
    await server.person('bob.with.a.long.address@subdomain.example.org');
    const { session } = await server.person('eve@example.org');
    await api.call('blockPerson', { params: { id: session.user.id } });
    await api.call('createInvite', { body: {} });
    const shot = (what: string) => page.screenshot({ path: `/tmp/shots/${what}-${name}.png` });
    await page.goto(`${network.url}/settings`);
    await page.getByRole('button', { name: 'Add a phone' }).click();
    await page.locator('.qr-dark').waitFor();
    await shot('qr');
    await page.goto(`${network.url}/settings`);
    await page.locator('.devices li').first().waitFor();
    await shot('settings');
    await page.goto(`${network.url}/settings/server`);
    await page.locator('.plot').first().waitFor();
    await page.locator('.devices li').nth(2).waitFor();
    await shot('server');
    await page.getByRole('button', { name: /Manage bob/ }).click();
    await shot('person');
    await page.keyboard.press('Escape');
    await page.locator('summary').first().click();
    await page.locator('summary').first().scrollIntoViewIfNeeded();
    await page.locator('.owner').evaluate((el) => (el.parentElement ?? el).scrollBy(0, 700));
    await page.locator('.owner details').last().scrollIntoViewIfNeeded();
    await shot('server2');
    await page.goto(`${network.url}/?a#login=xyz`);
    await page.locator('.access .primary').waitFor();
    await shot('link');
    t.pass();
  });
