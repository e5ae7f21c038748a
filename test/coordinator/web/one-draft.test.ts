import test from 'ava';
import { listPendingMessages } from '../../../coordinator/sqlite/messages.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test('an answer that is written in the list is the one that is written in the errand beside it', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t, { size: DESK });
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round the refunds' }));
  errand.begin();
  const options = ['Half up', 'Half even', 'Down'];
  errand.report({ type: 'question.asked', body: { ref: 'q1', question: 'Which rounding?', options, multiple: true } });
  await page.goto(`${network.url}/errands/${errand.id}`);
  const [list, open] = [page.locator('.task .decision'), page.locator('.talk .decision')];
  for (const card of [list, open]) await card.getByPlaceholder('Answer…').waitFor();
  const has = (text: string) =>
    until(`both have ${text}`, async () => {
      const values = [list, open].map((card) => card.getByPlaceholder('Answer…').inputValue());
      return (await Promise.all(values)).every((value) => value === text);
    });
  await list.getByPlaceholder('Answer…').fill('Round half');
  await has('Round half');
  await open.getByPlaceholder('Answer…').press('ControlOrMeta+End');
  await open.getByPlaceholder('Answer…').pressSequentially(' up');
  await has('Round half up');

  await list.getByRole('button', { name: 'Down' }).click();
  await open.locator('[aria-pressed=true]', { hasText: 'Down' }).waitFor();
  const file = (name: string) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(name) });
  await list.locator('.answer input[type=file]').first().setInputFiles(file('one.txt'));
  await open.getByText('one.txt').waitFor();
  await open.locator('.answer input[type=file]').first().setInputFiles(file('two.txt'));
  await list.getByText('two.txt').waitFor();
  await open.getByRole('button', { name: /one\.txt/ }).click();
  await list.getByText('one.txt').waitFor({ state: 'detached' });

  await list.getByRole('button', { name: 'Send the answer' }).click();
  for (const card of [list, open]) await card.getByRole('button', { name: /^Undo/ }).waitFor();
  const said = () => listPendingMessages(server.db, errand.id);
  await until('the answer has come', () => said().length > 0, 15_000);
  t.deepEqual(
    said().map(({ text }) => text),
    ['- Down\n\nRound half up'],
  );
  t.deepEqual(faults, []);
});
