import test from 'ava';
import { PASSWORD } from '../../support/start-api.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { openBrowser } from '../../support/web/browser.ts';

test('who has forgotten a password is told whom to ask, and gets a new one from the owner', async (t) => {
  t.timeout(60_000);
  const { server, network, page, faults } = await openAppLoggedIn(t);
  const { session } = await server.person();
  const { email } = session.user;
  const member = await (await openBrowser(t)).open();
  const logIn = async (password: string): Promise<void> => {
    await member.page.fill('input[name=email]', email);
    await member.page.fill('input[name=password]', password);
    await member.page.click('button[type=submit]');
  };

  await page.goto(`${network.url}/settings`);
  await page.getByRole('link', { name: /This server/ }).click();
  const sheet = page.getByRole('dialog');
  await page.getByRole('button', { name: `Manage ${email}` }).click();
  await sheet.getByRole('button', { name: 'New password' }).click();
  await sheet.getByText(`Give ${email} a new password?`).waitFor();
  await sheet.getByRole('button', { name: 'New password' }).click();
  const password = (await sheet.locator('.link-text').textContent()) ?? '';
  await sheet.getByRole('button', { name: 'Close' }).click();

  await member.page.goto(network.url);
  await logIn(PASSWORD);
  await member.page.getByText('The owner of the server can give you a new one').waitFor();
  await logIn(password);
  await member.page.getByText('live', { exact: true }).first().waitFor();
  t.deepEqual([...faults, ...member.faults], []);
});
