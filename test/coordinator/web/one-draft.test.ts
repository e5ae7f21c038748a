import test from 'ava';
import { listPendingMessages } from '../../../coordinator/sqlite/messages.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test('what one says to work that waits for approval is one text beside the changes and in the errand', async (t) => {
  t.timeout(120_000);
  const size = { width: 1400, height: 900 };
  const { server, api, network, page, faults } = await openAppLoggedIn(t, { size });
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round the refunds' }));
  errand.begin();
  errand.askToPush('c'.repeat(40));
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  const [beside, open] = [page.locator('.changes .decision'), page.locator('.talk .decision')];
  for (const card of [beside, open]) await card.getByRole('textbox').waitFor();
  const has = (text: string) =>
    until(`both have ${text}`, async () => {
      const values = [beside, open].map((card) => card.getByRole('textbox').inputValue());
      return (await Promise.all(values)).every((value) => value === text);
    });
  await beside.getByRole('textbox').fill('Round half');
  await has('Round half');
  await open.getByRole('textbox').press('ControlOrMeta+End');
  await open.getByRole('textbox').pressSequentially(' up');
  await has('Round half up');

  const file = (name: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(name) });
  await beside.locator('.answer input[type=file]').first().setInputFiles(file('one.txt'));
  await open.getByText('one.txt').waitFor();
  await open.locator('.answer input[type=file]').first().setInputFiles(file('two.txt'));
  await beside.getByText('two.txt').waitFor();
  await open.getByRole('button', { name: /one\.txt/ }).click();
  await beside.getByText('one.txt').waitFor({ state: 'detached' });

  await beside.locator('.answer .round:not(.attach)').click();
  for (const card of [beside, open]) await card.getByRole('button', { name: /^Undo/ }).waitFor();
  const said = () => listPendingMessages(server.db, errand.id);
  await until('the answer has come', () => said().length > 0, 15_000);
  t.deepEqual(
    said().map(({ text }) => text),
    ['Round half up'],
  );
  t.deepEqual(faults, []);
});

test('at a desk the errand that is open beside the list is answered there alone', async (t) => {
  t.timeout(60_000);
  const { server, api, page, faults } = await openAppLoggedIn(t, { size: DESK });
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round the refunds' }));
  errand.begin();
  errand.report({ type: 'question.asked', body: { ref: 'q1', question: 'Which rounding?', options: ['Up', 'Down'] } });
  errand.waitsFor({ kind: 'person', since: new Date().toISOString(), question: 'Which rounding?' });
  const spent = new LivelyErrand(server, await sendErrand(api, { prompt: 'Count the pages' }));
  spent.begin();
  spent.fail('budget_exhausted');
  const row = (name: string) => page.locator('.inbox .task', { hasText: name });
  await row('Round the refunds').getByRole('textbox').fill('As the bank does');
  await row('Count the pages').getByRole('button', { name: /\$/ }).first().waitFor();
  await row('Round the refunds').getByRole('link').click();
  const answer = page.locator('.talk .decision').getByRole('textbox');
  await until('what was written is there', async () => (await answer.inputValue()) === 'As the bank does');
  t.is(await page.locator('.decision').count(), 1);
  await row('Round the refunds').getByText('Waits for your answer').waitFor();
  await row('Count the pages').getByRole('link').click();
  await page.locator('.talk').getByRole('button', { name: /\$/ }).first().waitFor();
  t.is(await row('Count the pages').getByRole('button', { name: /\$/ }).count(), 0);
  await row('Round the refunds').getByRole('textbox').waitFor();
  errand.report({ type: 'question.closed', body: { ref: 'q1', answered: true } });
  await page.locator('.decision').waitFor({ state: 'detached' });
  t.deepEqual(faults, []);
});

test('beside its changes alone an errand asks in its row, but for what the changes ask', async (t) => {
  t.timeout(60_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t, { size: DESK });
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round the refunds' }));
  errand.begin();
  errand.report({ type: 'question.asked', body: { ref: 'q1', question: 'Which rounding?', options: ['Up', 'Down'] } });
  errand.waitsFor({ kind: 'person', since: new Date().toISOString(), question: 'Which rounding?' });
  const pushes = new LivelyErrand(server, await sendErrand(api, { prompt: 'Count the pages' }));
  pushes.begin();
  pushes.askToPush('c'.repeat(40));
  const row = (name: string) => page.locator('.inbox .task', { hasText: name });
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  await row('Round the refunds').getByText('Which rounding?').waitFor();
  await row('Round the refunds').getByRole('textbox').waitFor();
  await page.goto(`${network.url}/errands/${pushes.id}/changes`);
  await page.locator('.changes .decision').getByRole('textbox').waitFor();
  await row('Round the refunds').getByRole('textbox').waitFor();
  t.is(await row('Count the pages').locator('.decision').count(), 0);
  t.deepEqual(faults, []);
});
