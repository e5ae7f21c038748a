import { join } from 'node:path';
import sharp from 'sharp';
import test from 'ava';
import { eventsOf } from '../../support/events-of.ts';
import { runTask } from '../../support/fixtures.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK, PHONE } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const SHOTS = process.env['ERRAND_TEST_SHOTS'];

const picture = () =>
  sharp({ create: { width: 320, height: 200, channels: 3, background: 'teal' } })
    .png()
    .toBuffer();

for (const [name, size] of [
  ['phone', PHONE],
  ['desk', DESK],
] as const)
  test.serial(`on a ${name}: attach a picture, and change, delay and take back what was said`, async (t) => {
    t.timeout(120_000);
    const { server, api, page, faults } = await openAppLoggedIn(t, { size });
    const shot = async (what: string) => {
      if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `${what}-${name}.png`) });
    };
    const task = await sendErrand(api);
    await page
      .getByRole('link', { name: new RegExp(task.title) })
      .first()
      .click();
    const file = { name: 'screen <b>shot</b>.png', mimeType: 'image/png', buffer: await picture() };
    await page.locator('form.composer input[type=file]').first().setInputFiles(file);
    await page.locator('.draft-files img').waitFor();
    await page.getByPlaceholder('Say something…').fill('It looks like this.');
    await shot('draft');
    await page.getByRole('button', { name: 'Send', exact: true }).last().click();
    await page.locator('.person:not(.unsent) .files img').waitFor();
    const items = await eventsOf(api, task.id);
    t.like(items.at(-1)?.body, {
      text: 'It looks like this.',
      attachments: [{ name: 'screen <b>shot< b>.png' }],
    });

    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await page.locator('.edited textarea').fill('It looks like that.');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('It looks like that.').waitFor();
    await until('it is changed', async () => (await eventsOf(api, task.id)).at(-1)?.type === 'message.changed');
    await page.getByRole('button', { name: 'Hear after the turn' }).click();
    await page.getByText('heard after this turn').waitFor();
    await shot('waiting');
    // The app shows a change before the server has it.
    const waiting = async () => (await api.call('listMessages', { params: { id: task.id } })).items[0];
    await until('it is delayed', async () => (await waiting())?.revision === 3);
    t.like(await waiting(), { text: 'It looks like that.', hear: 'after_turn' });
    await page.getByRole('button', { name: 'Take back' }).click();
    await page.getByText('You took back a message').waitFor();
    t.deepEqual((await api.call('listMessages', { params: { id: task.id } })).items, []);

    // The worker of this attempt may have read it: the refusal is shown in words.
    await page.getByPlaceholder('Say something…').fill('Too late.');
    await page.getByRole('button', { name: 'Send', exact: true }).last().click();
    await page.locator('.person:not(.unsent)', { hasText: 'Too late.' }).waitFor();
    runTask(server.log, task.id);
    await page.getByRole('button', { name: 'Take back' }).click();
    await page.getByText('The agent may have read the message already').waitFor();
    await page.getByRole('button', { name: 'Dismiss' }).click();
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await page.locator('.edited textarea').fill('Not too late?');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.locator('.unsent .mine', { hasText: 'Not too late?' }).waitFor();
    await shot('refused');
    await page.getByRole('button', { name: 'Back to the draft' }).click();
    const composer = page.locator('textarea.composer-field');
    await until('its words are said next', async () => (await composer.inputValue()) === 'Not too late?');
    t.deepEqual(faults, []);
  });

test.serial('a file of a new errand survives the app, and is sent with it once there is a network', async (t) => {
  t.timeout(120_000);
  const { network, api, page, faults } = await openAppLoggedIn(t, { size: PHONE });
  await page.goto(`${network.url}/new?repo=errand://sample&text=Look`);
  await page
    .locator('.fresh input[type=file]')
    .first()
    .setInputFiles({
      name: 'log.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('line'),
    });
  await page.locator('.draft-files').getByText('log.txt').waitFor();
  await page.reload();
  await page.locator('.draft-files').getByText('log.txt').waitFor();
  await page.context().setOffline(true);
  await page.getByRole('button', { name: 'Send', exact: true }).click();
  await page.context().setOffline(false);
  const task = await until('it is sent', async () => (await api.call('listTasks', {})).items[0]);
  const [created] = await eventsOf(api, task.id);
  t.like(created?.body, { attachments: [{ name: 'log.txt', bytes: 4 }] });
  t.deepEqual(faults, []);
});

for (const [name, size] of [
  ['phone', PHONE],
  ['desk', DESK],
] as const)
  test.serial(`on a ${name}: an answer in the list takes files, and a message another model`, async (t) => {
    t.timeout(120_000);
    const { server, api, page, faults } = await openAppLoggedIn(t, { size });
    const shot = async (what: string) => {
      if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `${what}-${name}.png`) });
    };
    const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round up' }));
    errand.begin();
    errand.ask('Which one?', ['This', 'That']);
    const form = page.locator('.task form.answer');
    const file = { name: 'this.png', mimeType: 'image/png', buffer: await picture() };
    await form.locator('input[type=file]').first().setInputFiles(file);
    await form.locator('.draft-files img').waitFor();
    await page.reload();
    await form.locator('.draft-files img').waitFor();
    await shot('answer');
    await page.getByRole('button', { name: 'That', exact: true }).click();
    const answered = await until('the answer has come', async () =>
      (await eventsOf(api, errand.id)).find(({ type }) => type === 'message.received'),
    );
    t.like(answered.body, { text: 'That', attachments: [{ name: 'this.png' }] });

    errand.ask('And now?');
    await page.getByText('And now?').waitFor();
    await form.locator('input[type=file]').first().setInputFiles(file);
    await form.locator('.draft-files img').waitFor();
    await form.getByRole('button', { name: 'Send' }).click();
    await until('the second has come', async () =>
      (await eventsOf(api, errand.id)).some(({ type, body }) => type === 'message.received' && body.text !== 'That'),
    );

    await page.getByRole('link', { name: /Round up/ }).click();
    await page.locator('textarea.composer-field').fill('Think harder.');
    await page.locator('.mind').click();
    await page.getByRole('dialog').getByLabel('Model', { exact: true }).fill('claude-opus-5');
    await page.getByRole('dialog').getByLabel('Effort').selectOption('high');
    await shot('mind-sheet');
    await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click();
    await shot('mind');
    await page.getByRole('button', { name: 'Send', exact: true }).last().click();
    const said = await until('it has come', async () =>
      (await eventsOf(api, errand.id)).find(({ body }) => body.text === 'Think harder.'),
    );
    t.like(said.body, { model: 'claude-opus-5', effort: 'high' });
    t.deepEqual(faults, []);
  });

test.serial('files that came back to a draft that has others are not sent while they are too many', async (t) => {
  t.timeout(120_000);
  const { page, network, faults } = await openAppLoggedIn(t);
  await page.goto(`${network.url}/new?repo=https://example.org/one.git&text=Ten%20files`);
  await until('it is filled in', () => page.locator('button.send').isEnabled());
  network.offline = true;
  network.cut();
  const file = (name: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(name) });
  const files = page.locator('.draft-files li');
  const pick = page.locator('input[type=file][multiple]').first();
  await pick.setInputFiles(Array.from({ length: 10 }, (_, i) => file(`${i}.txt`)));
  await files.nth(9).waitFor();
  await page.locator('button.send').click();
  await page.locator('.unsent').waitFor();
  await page.getByRole('link', { name: 'New errand…' }).first().click();
  await pick.setInputFiles(file('more.txt'));
  await files.first().waitFor();
  await page.goBack();
  await page.locator('.unsent').getByRole('button', { name: 'Take back' }).click();
  await page.locator('.unsent').waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'New errand…' }).first().click();
  await page.getByText('Too many files for one message.').waitFor();
  t.is(await files.count(), 11);
  t.true(await page.locator('button.send').isDisabled());
  await page.getByRole('button', { name: 'Remove more.txt' }).click();
  await until('they can be sent', () => page.locator('button.send').isEnabled());
  t.deepEqual(faults, []);
});

test.serial(
  'on a slow line a row says how much of a file is sent, and what the server has is not sent again',
  async (t) => {
    t.timeout(120_000);
    const { network, api, page, faults } = await openAppLoggedIn(t, { size: PHONE });
    const devtools = await page.context().newCDPSession(page);
    const limitUpload = (uploadThroughput: number) =>
      devtools.send('Network.emulateNetworkConditions', {
        offline: false,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput,
      });
    const uploads: string[] = [];
    page.on('request', (request) => {
      const name = new URL(request.url()).searchParams.get('name');
      if (request.method() === 'PUT' && name !== null) uploads.push(name);
    });
    await page.goto(`${network.url}/new?repo=errand://sample&text=Look`);
    const file = (name: string, bytes: number) => ({ name, mimeType: 'text/plain', buffer: Buffer.alloc(bytes, 'a') });
    await page
      .locator('input[type=file][multiple]')
      .first()
      .setInputFiles([file('small.txt', 10), file('big.txt', 3e6)]);
    await page.locator('.draft-files').getByText('big.txt').waitFor();
    await limitUpload(100_000);
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    const row = page.locator('.unsent', { hasText: /big\.txt: [\d.]+ (k|M)B of 3 MB/ });
    await row.waitFor();
    await page.reload();
    await row.waitFor();
    await limitUpload(-1);
    await until('it is sent', async () => (await api.call('listTasks', {})).items[0], 60_000);
    t.is(uploads.filter((name) => name === 'small.txt').length, 1);
    t.deepEqual(faults, []);
  },
);
