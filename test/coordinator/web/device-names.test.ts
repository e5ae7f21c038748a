import test from 'ava';
import { PASSWORD } from '../../support/start-api.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';

test('a device is named in the list of devices, and has its own name again without one', async (t) => {
  t.timeout(60_000);
  const { network, page, faults } = await openAppLoggedIn(t, { size: PHONE });
  await page.goto(`${network.url}/settings`);
  const own = page.locator('.devices li', { hasText: 'this device' });
  const sheet = page.getByRole('dialog', { name: 'Rename' });
  const rename = async (name: string): Promise<void> => {
    await own.getByRole('button', { name: 'Rename' }).click();
    await sheet.getByLabel('Name of the device').fill(name);
    await page.keyboard.press('Enter');
    await sheet.waitFor({ state: 'detached' });
  };
  await own.getByText('Chrome, Linux').waitFor();
  await rename('Kitchen tablet');
  await own.getByText('Kitchen tablet').waitFor();
  await page.reload();
  await own.getByText('Kitchen tablet').waitFor();
  await rename('');
  await own.getByText('Chrome, Linux').waitFor();
  t.deepEqual(faults, []);
});

test('all other devices are logged out at once, each device has its own buttons, and this one stays', async (t) => {
  t.timeout(60_000);
  const { api, session, network, page, faults } = await openAppLoggedIn(t, { size: PHONE });
  for (let n = 0; n < 2; n++) await api.call('login', { body: { email: session.user.email, password: PASSWORD } });
  await page.goto(`${network.url}/settings`);
  const devices = page.locator('.devices li');
  await page.getByRole('button', { name: 'Rename Chrome, Linux' }).waitFor();
  const before = await devices.count();
  t.true(before > 2);
  await page.getByRole('button', { name: 'Log out all other devices' }).click();
  await page
    .getByRole('dialog', { name: `Log out ${before - 1} other devices?` })
    .getByRole('button', { name: 'End' })
    .click();
  await devices.nth(1).waitFor({ state: 'detached' });
  await page.reload();
  await devices.getByText('this device').waitFor();
  t.is(await devices.count(), 1);
  t.deepEqual(faults, []);
});

test('all other devices are logged out, though one of them has been meanwhile', async (t) => {
  t.timeout(60_000);
  const { api, session, network, page } = await openAppLoggedIn(t, { size: PHONE });
  for (let n = 0; n < 3; n++) await api.call('login', { body: { email: session.user.email, password: PASSWORD } });
  await page.goto(`${network.url}/settings`);
  const all = page.getByRole('button', { name: 'Log out all other devices' });
  await all.waitFor();
  const devices = page.locator('.devices li');
  const [gone] = (await api.call('listSessions', {})).items.filter(
    ({ current, user_agent }) => !current && !user_agent?.includes('Chrome'),
  );
  t.truthy(gone);
  await api.call('deleteSession', { params: { id: gone?.id ?? '' } });
  await all.click();
  await page.getByRole('dialog').getByRole('button', { name: 'End' }).click();
  await devices.nth(1).waitFor({ state: 'detached' });
  t.is(await devices.count(), 1);
});
