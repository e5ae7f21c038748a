import test from 'ava';
import type { Page } from 'playwright-core';
import { listPendingMessages } from '../../../coordinator/sqlite/messages.ts';
import { eventsOf } from '../../support/events-of.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import { becomeFillable } from './become-fillable.ts';
import { refusePuts } from './refuse-puts.ts';

test.serial('a device without room says so and stays live, and keeps a draft once there is room again', async (t) => {
  t.timeout(120_000);
  const { server, api, network, context, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  await context.addInitScript(becomeFillable);
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.getByText('live', { exact: true }).first().waitFor();
  await page.evaluate(() => localStorage.setItem('full', 'yes'));
  await page.locator('textarea.composer-field').fill('Half a sentence');
  await page.getByText('This device has no room').waitFor();
  for (const text of ['First on a full device.', 'Second.']) {
    errand.say(text);
    await page.getByText(text).first().waitFor();
  }
  await page.getByText('live', { exact: true }).first().waitFor();

  await page.evaluate(() => localStorage.removeItem('full'));
  await page.getByRole('button', { name: 'Reload' }).click();
  await page.getByText('This device has no room').waitFor({ state: 'detached' });
  await page.getByText('Second.').first().waitFor();
  await page.waitForFunction(() => document.querySelector('textarea')?.value === 'Half a sentence');
  t.deepEqual(faults, []);
});

test.serial('a device without room shows the projects and the changes that it cannot keep', async (t) => {
  t.timeout(120_000);
  const { server, api, network, context, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed(
    {},
    'diff --git a/one.ts b/one.ts\n--- a/one.ts\n+++ b/one.ts\n@@ -1 +1 @@\n-const old = 1;\n+const next = 2;\n',
  );
  await api.call('createProject', { body: { name: 'Bills', repo_url: 'https://example.org/bills.git' } });
  await context.addInitScript(becomeFillable);
  await page.evaluate(() => localStorage.setItem('full', 'yes'));
  await page.goto(`${network.url}/settings/projects`);
  await page.getByText('Bills').first().waitFor();
  await page.getByText('This device has no room').waitFor();
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  await page.getByText('const next = 2;').first().waitFor();
  await page.getByText('This device has no room').waitFor();
  t.deepEqual(faults, []);
});

test.serial('a log-in by link that cannot be stored leaves the one before, which goes on', async (t) => {
  t.timeout(120_000);
  const { api, network, context, page } = await openAppLoggedIn(t);
  await context.addInitScript(becomeFillable);
  const { fragment } = await api.call('createLoginLink', {});
  await page.goto('about:blank');
  await page.goto(`${network.url}/#${fragment}`);
  await page.getByRole('button', { name: 'Log in on this device' }).waitFor();
  await page.evaluate(() => localStorage.setItem('full', 'yes'));
  await page.getByRole('button', { name: 'Log in on this device' }).click();
  await page.locator('.fault').filter({ hasText: /./ }).waitFor();
  await page.evaluate(() => localStorage.removeItem('full'));
  await page.getByRole('button', { name: /^Stay logged in/ }).click();
  await sendErrand(api, { prompt: 'Sent after it' });
  await page.getByText('Sent after it').first().waitFor();
  t.pass();
});

test.serial(
  'a file that was uploaded goes with its message where the device has no room to store it anew',
  async (t) => {
    t.timeout(60_000);
    const { api, network, page } = await openAppLoggedIn(t);
    const { id } = await sendErrand(api);
    await page.goto(`${network.url}/errands/${id}`);
    await attachLog(page);
    await refusePuts(page, { fields: ['sent_at'] });
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await until('it has come', async () =>
      (await eventsOf(api, id)).some(({ type, body }) => type === 'message.received' && 'attachments' in body),
    );
    t.pass();
  },
);

test.serial('a file is uploaded once where the device has no room to note that it was', async (t) => {
  t.timeout(60_000);
  const { server, api, network, page } = await openAppLoggedIn(t);
  const [{ id }, other] = [await sendErrand(api), await sendErrand(api)];
  await page.goto(`${network.url}/errands/${id}`);
  await attachLog(page);
  await refusePuts(page, { fields: ['sent_at', 'uploaded', 'failed'] });
  let uploads = 0;
  page.on('request', (request) => {
    if (request.method() === 'PUT') uploads++;
  });
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await until('it is uploaded', () => uploads > 0);
  await page.locator('.back').click();
  await page.locator(`a[href="/errands/${other.id}"]`).click();
  for (const words of ['One', 'Two', 'Three']) {
    await page.locator('textarea.composer-field').fill(words);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await until('it has come', () => listPendingMessages(server.db, other.id).some(({ text }) => text === words));
  }
  t.is(uploads, 1);
});

test.serial('what was sent with files leaves its field where the device cannot note that they go along', async (t) => {
  t.timeout(60_000);
  const { api, network, page, faults } = await openAppLoggedIn(t);
  const { id } = await sendErrand(api);
  const send = page.getByRole('button', { name: 'Send', exact: true });
  const write = async (field: string, words: string): Promise<void> => {
    await attachLog(page);
    await page.locator(field).fill(words);
    await refusePuts(page, { store: 'files' });
  };
  await page.goto(`${network.url}/errands/${id}`);
  await write('textarea.composer-field', 'See the log');
  await send.click();
  await until('the field is empty', async () => (await page.locator('textarea.composer-field').inputValue()) === '');
  await page.locator('.draft-files').waitFor({ state: 'detached' });
  await until('it has come', async () =>
    (await eventsOf(api, id)).some(({ type, body }) => type === 'message.received' && 'attachments' in body),
  );

  await page.goto(`${network.url}/new?repo=errand://sample`);
  await write('textarea.prompt', 'Mend the lamp');
  await send.click();
  await page.locator('.task', { hasText: 'Mend the lamp' }).waitFor();
  await until('it has come', async () => (await api.call('listTasks', {})).items.length > 1);
  await page.goto(`${network.url}/new`);
  await page.locator('textarea.prompt').waitFor();
  t.is(await page.locator('textarea.prompt').inputValue(), '');
  t.is((await api.call('listTasks', {})).items.length, 2);
  t.deepEqual(faults, []);
});

async function attachLog(page: Page): Promise<void> {
  const file = { name: 'log.txt', mimeType: 'text/plain', buffer: Buffer.from('line') };
  await page.locator('input[type=file]').first().setInputFiles(file);
  await page.locator('.draft-files').getByText('log.txt').waitFor();
}
