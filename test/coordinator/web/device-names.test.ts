import test from 'ava';
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
