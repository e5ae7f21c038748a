import test from 'ava';
import { CoordinatorProcess } from '../../support/coordinator-process.ts';
import { ANN, sendFirstErrand, startServices } from '../../support/coordinator-scene.ts';
import { ended } from '../../support/errand.ts';
import { eventsOf } from '../../support/events-of.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { freePort } from '../../support/free-port.ts';
import type { MessagesRequest } from '../../support/model/server.ts';
import { until } from '../../support/until.ts';
import { openBrowser } from '../../support/web/browser.ts';
import { BROKEN, byConversation, turnOf } from '../../end-to-end/scenario.ts';

const ASK = { tools: [{ name: 'ask_person', input: { question: 'Which store?', options: ['SQLite', 'PostgreSQL'] } }] };
const DONE = { text: 'Store it\n\nIt is stored.' };
const turns = (request: MessagesRequest) => (turnOf(request) === 0 ? ASK : DONE);
const WRITTEN = ['PostgreSQL', 'Use the newest', 'And test it'];

test('what is written while the coordinator is killed and started again arrives once, in order, and the errand goes on', async (t) => {
  t.timeout(180_000);
  const data_dir = await temporaryFolder(t);
  const { forge, model, settings: services } = await startServices(t, 'process', byConversation(turns));
  const settings = { ...services, PORT: String(await freePort()) };
  const first = CoordinatorProcess.start(t, data_dir, settings);
  const url = await first.url();
  const { api, id } = await sendFirstErrand(t, { url, data_dir }, forge, BROKEN);
  const { open } = await openBrowser(t);
  const { page, faults } = await open();
  await page.goto(`${url}/errands/${id}`);
  await page.fill('input[name=email]', ANN.email);
  await page.fill('input[name=password]', ANN.password);
  await page.click('button[type=submit]');
  await page.getByRole('button', { name: 'PostgreSQL' }).waitFor();
  await first.kill();
  await page.locator('.live.off').first().waitFor();
  await page.getByRole('button', { name: 'PostgreSQL' }).click();
  await page.getByRole('button', { name: /^Undo/ }).waitFor();
  for (const text of WRITTEN.slice(1)) {
    await page.locator('textarea.composer-field').fill(text);
    await page.locator('textarea.composer-field').press('ControlOrMeta+Enter');
    await page.locator('.unsent', { hasText: text }).waitFor();
  }

  const second = CoordinatorProcess.start(t, data_dir, settings);
  await second.url();
  await page.getByText('live', { exact: true }).waitFor();
  const { status, detail } = await ended({ api }, id);
  t.is(status, 'succeeded', detail ?? '');
  const said = (await eventsOf(api, id)).filter(({ type }) => type === 'message.received');
  t.deepEqual(
    said.map(({ body }) => body.text),
    WRITTEN,
  );
  const asked = JSON.stringify(model.requests.at(-1)?.body?.messages);
  for (const text of WRITTEN) t.true(asked.includes(text), `the model hears of ${text}`);
  await until('nothing waits any more', async () => (await page.locator('.unsent').count()) === 0);
  t.deepEqual(await page.locator('.talk .mine').allTextContents(), ['Count', ...WRITTEN]);
  await page.getByText('It is stored.').first().waitFor();
  t.deepEqual(faults, []);
});
