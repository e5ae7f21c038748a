import test from 'ava';
import { changePull } from '../../../coordinator/forge/pulls/pull-commands.ts';
import { listPullsOf } from '../../../coordinator/sqlite/pulls.ts';
import type { PullRow } from '../../../coordinator/domain/pull.ts';
import { taskOf } from '../../support/fixtures.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test('a pull request is opened after a look at it, and its checks, its problems and its merge show by themselves', async (t) => {
  const { server, api, page, network, faults } = await openAppLoggedIn(t);
  const task = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'https://github.com/ada/demo' } });
  const errand = new LivelyErrand(server, task);
  errand.begin();
  errand.succeed({ summary: 'Mended.' });
  await page.goto(`${network.url}/errands/${task.id}`);
  await page.getByRole('button', { name: 'Open a pull request' }).click();
  const sheet = page.getByRole('dialog', { name: 'Open a pull request' });
  await sheet.getByText('github.com/ada/demo').waitFor();
  await sheet.getByText('Mend it').waitFor();
  await sheet.getByRole('button', { name: 'Cancel' }).click();
  t.is(listPullsOf(server.db, task.id).length, 0, 'a touch alone opens none');
  await page.getByRole('button', { name: 'Open a pull request' }).click();
  await sheet.getByRole('button', { name: 'Open a draft' }).click();
  await page.getByText('Pull request being opened').waitFor();
  const row = await until('it is asked for', () => listPullsOf(server.db, task.id)[0]);
  t.true(row.draft);
  const change = (to: Partial<PullRow>) =>
    server.log.write((tx) => changePull(tx, row.id, to, new Date().toISOString()));
  const problem = 'There is no token for github.com.';
  change({ state: 'failed', problem, next_look_at: null });
  await page.getByText(problem).waitFor();
  await page.getByRole('button', { name: 'Try again' }).click();
  await until('it is asked for again', () => listPullsOf(server.db, task.id)[0]?.state === 'opening' || undefined);
  t.is(listPullsOf(server.db, task.id).length, 1);
  t.true(listPullsOf(server.db, task.id)[0]?.draft, 'it is asked for as before');
  const url = 'https://github.com/ada/demo/pull/12';
  const none = { running: 0, passed: 0, failed: 0, failed_names: [] };
  change({ state: 'open', draft: false, number: 12, url, owner: 'ada', name: 'demo', author: 'person', checks: none });
  await page.getByText('#12 open', { exact: true }).last().waitFor();
  t.is(await page.getByRole('link', { name: row.title, exact: true }).last().getAttribute('href'), url);
  await page.getByText('the app is not installed there').waitFor();
  const log = 'https://github.com/ada/demo/actions/runs/1/job/2';
  change({ checks: { ...none, failed: 2, failed_names: ['lint', 'other'], failed_urls: [log, null] } });
  await page.getByText('Not passed: lint, other').waitFor();
  t.is(await page.getByRole('link', { name: 'lint', exact: true }).getAttribute('href'), log);
  t.is(await page.getByRole('link', { name: 'other', exact: true }).count(), 0, 'its log is nowhere');
  change({ state: 'merged', next_look_at: null });
  await page.getByText('Pull request #12 was merged').waitFor();
  await page.goto(network.url);
  await page.locator('.task .pull', { hasText: '#12 merged' }).waitFor();
  t.deepEqual(faults, []);
});

test('work that was taken back can get no pull request', async (t) => {
  const { server, api, page, network } = await openAppLoggedIn(t);
  const task = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'https://github.com/ada/demo' } });
  const errand = new LivelyErrand(server, task);
  errand.begin();
  errand.succeed({ summary: 'Taken back.', commit: 'a'.repeat(40), base_commit: 'a'.repeat(40) });
  await page.goto(`${network.url}/errands/${task.id}`);
  await page.locator('.state.succeeded').waitFor();
  t.is(await page.getByRole('button', { name: /pull request/ }).count(), 0);
});

test('the conversation says which issue the agent was given, and warns of one that it was not', async (t) => {
  const { server, api, page, network, faults } = await openAppLoggedIn(t);
  const task = await api.call('createTask', {
    body: { prompt: 'Fix #12 and #13', repo_url: 'https://github.com/ada/demo' },
  });
  const at = new Date().toISOString();
  server.log.write((tx) => {
    const row = taskOf(server.log, task.id);
    tx.note(row, { type: 'thread.read', body: { number: 12, title: 'The parser fails', problem: null } }, at);
    tx.note(row, { type: 'thread.read', body: { number: 13, title: null, problem: 'not_found' } }, at);
  });
  await page.goto(`${network.url}/errands/${task.id}`);
  await page.getByText('Read for the agent: #12 The parser fails').waitFor();
  await page
    .locator('.line.warn', { hasText: '#13 could not be read: the forge shows no such issue to the token.' })
    .waitFor();
  t.deepEqual(faults, []);
});
