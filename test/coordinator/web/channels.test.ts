import { join } from 'node:path';
import test from 'ava';
import { Receiver } from '../../support/notifications/push-service.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK, PHONE } from '../../support/web/browser.ts';

const SHOTS = process.env['ERRAND_TEST_SHOTS'];

for (const [name, size] of [
  ['phone', PHONE],
  ['desk', DESK],
] as const)
  test.serial(`on a ${name}: a webhook and an ntfy topic are added, tried, and told of what was chosen`, async (t) => {
    t.timeout(120_000);
    const receiver = await Receiver.start(t);
    const { api, page, network, faults } = await openAppLoggedIn(t, { size }, { ERRAND_PRIVATE_HOSTS: '127.0.0.1' });
    await api.call('createProject', { body: { name: 'Bills', repo_url: 'https://example.org/bills.git' } });
    await page.goto(`${network.url}/settings/notifications`);
    await page.getByRole('button', { name: 'Add a webhook' }).click();
    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('Address').fill('http://10.0.0.1/hook');
    await sheet.getByRole('button', { name: 'Add', exact: true }).click();
    await sheet.getByRole('alert').getByText(/\S/).waitFor();
    await sheet.getByLabel('Address').fill(`${receiver.url}/hook`);
    await sheet.getByLabel('Errands of').selectOption('Bills');
    await sheet.getByLabel('is done').uncheck();
    if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `webhook-${name}.png`) });
    await sheet.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText(/^whsec_/).waitFor();
    await sheet.getByRole('button', { name: 'Copy', exact: true }).waitFor();
    if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `webhook-key-${name}.png`) });
    await sheet.getByRole('button', { name: 'Close' }).click();

    await page.getByRole('button', { name: 'Add an ntfy topic' }).click();
    await sheet.getByLabel('Topic').fill('my-errands');
    await sheet.getByLabel('Server', { exact: true }).fill(receiver.url);
    await sheet.getByLabel('Name').fill('Tablet');
    await sheet.getByRole('button', { name: 'Add', exact: true }).click();
    await sheet.waitFor({ state: 'detached' });
    const { items } = await api.call('listChannels', {});
    t.like(items, [
      { kind: 'ntfy', name: 'Tablet', project_id: null, occasions: ['needs_you', 'done', 'failed', 'limit'] },
      { kind: 'webhook', name: new URL(receiver.url).host, occasions: ['needs_you', 'failed', 'limit'] },
    ]);
    t.not(items[1]?.project_id, null);
    await page.getByRole('button', { name: 'Send a test: “Tablet”' }).click();
    await page.getByText(/^Accepted/).waitFor();
    if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `channels-${name}.png`) });
    t.deepEqual(faults, []);
  });
