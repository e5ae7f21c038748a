import test from 'ava';
import { listPendingMessages } from '../../../coordinator/sqlite/messages.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { logIn, openApp, openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

type Scene = Awaited<ReturnType<typeof openAppLoggedIn>>;

async function spent({ server, api, page, network }: Scene) {
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Mend the lamp' }));
  errand.begin();
  errand.spend(5.25);
  errand.fail('budget_exhausted');
  await page.goto(`${network.url}/errands/${errand.id}`);
  const task = () => api.call('getTask', { params: { id: errand.id } });
  return { errand, task, field: page.locator('textarea.composer-field') };
}

test.serial('once the budget is spent, what one writes goes with the budget that one chooses', async (t) => {
  t.timeout(60_000);
  const scene = await openAppLoggedIn(t);
  const { server, page, faults } = scene;
  const { errand, task, field } = await spent(scene);
  await field.fill('And the one in the hall');
  await page.getByText('Choose a budget first').waitFor();
  t.true(await page.getByRole('button', { name: 'Send', exact: true }).isDisabled());
  await field.press('Control+Enter');
  t.is(await field.inputValue(), 'And the one in the hall');
  await page.getByRole('button', { name: '$2 more' }).click();
  await until('it goes on', async () => (await task()).status === 'queued', 15_000);
  t.is((await task()).budget_usd, 7.25);
  t.deepEqual(
    listPendingMessages(server.db, errand.id).map(({ text }) => text),
    ['And the one in the hall'],
  );
  await until('the field is empty', async () => (await field.inputValue()) === '');
  t.deepEqual(faults, []);
});

test.serial('a budget that is spent grows by an amount of one’s own, too', async (t) => {
  t.timeout(60_000);
  const scene = await openAppLoggedIn(t);
  const { page, faults } = scene;
  const { task } = await spent(scene);
  await page.getByLabel('Another amount in US dollars').fill('0.5');
  await page.getByRole('button', { name: 'Add, go on' }).click();
  await until('it goes on', async () => (await task()).status === 'queued', 15_000);
  t.is((await task()).budget_usd, 5.75);
  t.deepEqual(faults, []);
});

test.serial('more budget comes to whole cents, and what it may be is asked once for all that need it', async (t) => {
  t.timeout(60_000);
  const scene = await openAppLoggedIn(t);
  const { server, api, page, network, faults } = scene;
  const errands: LivelyErrand[] = [];
  for (let i = 0; i < 4; i++) {
    const errand = new LivelyErrand(server, await sendErrand(api, { prompt: `Errand ${i}` }));
    errand.begin();
    errand.spend(5.004321);
    errand.fail('budget_exhausted');
    errands.push(errand);
  }
  let asked = 0;
  page.on('request', (request) => {
    if (request.url().endsWith('/server')) asked++;
  });
  await page.goto(network.url);
  const more = page.getByRole('button', { name: '$2 more' });
  await more.nth(3).waitFor();
  await until('it has asked', () => asked > 0);
  await more.first().click();
  await until('one goes on', async () => {
    const tasks = await Promise.all(errands.map(({ id }) => api.call('getTask', { params: { id } })));
    return tasks.some(({ status, budget_usd }) => status === 'queued' && budget_usd === 7);
  });
  t.is(asked, 1);
  t.deepEqual(faults, []);
});

test.serial('an errand whose budget is spent can end there, and this can be undone', async (t) => {
  t.timeout(60_000);
  const scene = await openAppLoggedIn(t);
  const { page, network, faults } = scene;
  const { task } = await spent(scene);
  await page.goto(network.url);
  await page.getByRole('button', { name: 'End here' }).click();
  await until('it has ended', async () => (await task()).archived === true, 15_000);
  await page.locator('.task').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.locator('.task').waitFor();
  t.deepEqual(faults, []);
});

test.serial(
  'files alone wait for a budget too, and once one is chosen more can be said without a network',
  async (t) => {
    t.timeout(120_000);
    const scene = await openAppLoggedIn(t);
    const { server, page, network, faults } = scene;
    const { errand, task, field } = await spent(scene);
    const file = { name: 'log.txt', mimeType: 'text/plain', buffer: Buffer.from('line') };
    await page.locator('form.composer input[type=file]').first().setInputFiles(file);
    await page.getByRole('status').filter({ hasText: 'Choose a budget first' }).waitFor();
    await page.getByRole('button', { name: 'Remove log.txt' }).click();
    network.offline = true;
    network.cut();
    await page.getByRole('button', { name: '$2 more' }).click();
    await page.locator('.unsent').first().waitFor();
    await field.fill('And the one in the hall');
    await page.getByRole('button', { name: 'Send', exact: true }).click();
    await page.locator('.unsent', { hasText: 'And the one in the hall' }).waitFor();
    network.offline = false;
    await until('both have come', () => listPendingMessages(server.db, errand.id).length === 1, 60_000);
    t.is((await task()).budget_usd, 7.25);
    t.deepEqual(faults, []);
  },
);

test.serial('a member is offered no budget above the bound of the server', async (t) => {
  t.timeout(60_000);
  const scene = await openApp(t, {}, { ERRAND_MEMBER_BUDGET_USD_MAX: '8' });
  const { server, page, network, faults } = scene;
  const { api, session } = await server.person();
  await logIn({ page, session });
  await page.goto(`${network.url}/new?repo=errand://sample`);
  await page.getByRole('button', { name: 'default budget' }).click();
  const chips = page.getByRole('dialog').locator('.chips button');
  await until('none is above it', async () => (await chips.count()) === 4);
  t.is(await page.getByRole('dialog').locator('input').getAttribute('max'), '8');

  await page.evaluate(async () => {
    const opened = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open('errand');
      request.addEventListener('success', () => resolve(request.result));
    });
    const options = JSON.stringify({ repo_url: 'errand://sample', budget_usd: 20 });
    opened.transaction('texts', 'readwrite').objectStore('texts').put(options, 'new options');
    opened.close();
  });
  await page.goto(`${network.url}/new?text=Mend`);
  await page.locator('.later.fault', { hasText: 'at most $8' }).waitFor();
  t.true(await page.locator('.fresh .send').isDisabled());

  const { errand } = await spent({ ...scene, api });
  await page.getByRole('button', { name: '$2 more' }).waitFor();
  await page.getByText('an errand of yours may cost at most $8').waitFor();
  const choices = page.locator('.choices button');
  const free = () => page.locator('.choices button:enabled').allTextContents();
  t.deepEqual(await free(), ['$2 more, go on', 'Add, go on', 'End here']);
  t.is(await choices.count(), 4, 'nothing moves under a finger');
  t.is(await page.getByLabel('Another amount in US dollars').getAttribute('max'), '2.75');
  errand.spend(2.75);
  await until('it can only end there', async () => (await free()).join() === 'End here');
  t.is(await choices.count(), 4);
  t.deepEqual(faults, []);
});
