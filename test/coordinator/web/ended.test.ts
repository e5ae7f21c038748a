import { join } from 'node:path';
import test from 'ava';
import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import { endAttempt } from '../../../coordinator/tasks/advance.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { taskOf } from '../../support/fixtures.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const SHOTS = process.env['ERRAND_TEST_SHOTS'];

test('an errand that has ended offers nothing that it cannot have, and says once and in each place why', async (t) => {
  t.timeout(120_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const shot = async (name: string) => {
    if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `${name}.png`) });
  };

  const sample = await api.call('createTask', { body: { prompt: 'Mend the bill', repo_url: SAMPLE_REPO_URL } });
  const mended = new LivelyErrand(server, sample);
  mended.begin();
  mended.say('Mended the bill.');
  mended.succeed({});
  await page.goto(`${network.url}/errands/${mended.id}`);
  await page.getByText('Mended the bill.').waitFor();
  await page.locator('.state.succeeded').waitFor();
  await shot('ended-sample');
  t.is(await page.locator('header .chip').count(), 0, 'nothing was changed');
  t.is(await page.getByRole('button', { name: /pull request/ }).count(), 0, 'it is on no forge');

  const stopped = new LivelyErrand(server, await sendErrand(api, { prompt: 'Stop me' }));
  stopped.begin();
  stopped.stop();
  await page.goto(`${network.url}/errands/${stopped.id}`);
  await page.locator('.state.cancelled').waitFor();
  await shot('ended-stopped');
  t.is(await page.locator('.state').textContent(), 'Stopped');

  const missing = new LivelyErrand(server, await sendErrand(api, { prompt: 'Work there' }));
  missing.begin();
  const detail = 'The repository has no branch no-such-branch.';
  const end = { status: 'failed', reason: 'repository_not_found', detail, at: new Date().toISOString() } as const;
  server.log.write((tx) => endAttempt(tx, taskOf(server.log, missing.id), 1, end));
  await page.goto(network.url);
  await page.locator('.task', { hasText: 'Work there' }).getByText(detail).waitFor();
  await shot('ended-list');

  await page.route(/\/pulls?$/, (route) => route.abort());
  const plain = new LivelyErrand(server, await sendErrand(api, { prompt: 'Push it' }));
  plain.begin();
  for (let n = 0; n < 30; n++) plain.say(`Step ${n}`);
  plain.succeed({});
  await page.goto(`${network.url}/errands/${plain.id}`);
  await page.getByRole('button', { name: 'Open a pull request' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Open, ready for review' }).click();
  const fault = page.locator('.pulls .fault');
  await fault.waitFor();
  await shot('ended-no-pull');
  const links = page.locator('.pulls a');
  t.deepEqual(await links.allTextContents(), ['Make a project with a token', 'Linked accounts'], 'where a token goes');
  const [said, composer] = [await fault.boundingBox(), await page.locator('.composer').boundingBox()];
  t.true(said !== null && composer !== null && said.y + said.height <= composer.y, 'why shows above the field');
  t.deepEqual(faults, []);
});

test('of a stopped errand nothing goes on: neither a message that nobody heard nor the command that was cut off', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Stop me' }));
  errand.begin();
  const ref = errand.startTool('run_command', { command: 'npm test' });
  await api.call('createMessage', { params: { id: errand.id }, body: { text: 'Leave out the tax' } });
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.getByText('heard at the next tool call').waitFor();
  errand.stop();
  await page.getByText('heard once it goes on').waitFor();
  const end = page.locator('.call .end');
  t.is(await end.textContent(), 'cut off');
  errand.endTool(ref, 'run_command', 'Interrupted.', { is_error: true, duration_ms: 0 });
  await page.locator('.call .end.no').waitFor();
  t.is(await end.textContent(), 'failed');
  t.deepEqual(faults, []);
});
