import test from 'ava';
import { readTaskSecrets } from '../../../coordinator/tasks/secrets.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';
import { until } from '../../support/until.ts';
import { draftIsKept } from './kept-draft.ts';

const repo_url = 'errand://sample';

test('a secret is added, replaced and removed by itself, and the others stay', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const secrets = { GOES: '1', STAYS: '2', IS_SPARED: '3', IS_REPLACED: '4' };
  const { id } = await api.call('createProject', { body: { name: 'Shop', repo_url, secrets } });
  const box = (name: string) => page.getByRole('checkbox', { name: `Remove ${name}` });
  await page.goto(`${network.url}/settings/projects/${id}`);
  await box('GOES').check();
  await box('IS_SPARED').check();
  await box('IS_SPARED').uncheck();
  await page.getByLabel('Add or replace secrets').fill('COMES=5\nIS_REPLACED=6');
  await draftIsKept(page, 'without GOES');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('link', { name: /Shop/ }).waitFor();
  const stored = () => readTaskSecrets(server.db, server.keys, { project_id: id, repo_url }).env;
  t.deepEqual(stored(), { STAYS: '2', IS_SPARED: '3', IS_REPLACED: '6', COMES: '5' });
  await page.goto(`${network.url}/settings/projects/${id}`);
  await box('COMES').waitFor();
  t.is(await box('GOES').count(), 0);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('link', { name: /Shop/ }).waitFor();
  t.is(Object.keys(stored()).length, 4, 'a form that nobody touched changes nothing');
  t.deepEqual(faults, []);
});

test('a removal that was not saved is kept with the rest of the form, and goes when that is discarded', async (t) => {
  t.timeout(60_000);
  const { api, page, network } = await openAppLoggedIn(t);
  const body = { name: 'Shop', repo_url, secrets: { GOES: '1' } };
  const { id } = await api.call('createProject', { body });
  const box = page.getByRole('checkbox', { name: 'Remove GOES' });
  await page.goto(`${network.url}/settings/projects/${id}`);
  await box.check();
  await draftIsKept(page, 'without GOES');
  await page.reload();
  await page.getByText('What you wrote before').waitFor();
  t.true(await box.isChecked());
  await page.getByRole('button', { name: 'Discard' }).click();
  await page.getByText('What you wrote before').waitFor({ state: 'detached' });
  t.false(await box.isChecked());
});

test('the stored access token is removed with a tick, but not where a new one is typed', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const body = { name: 'Shop', repo_url, git_token: 'first', mentions: true, secrets: { STAYS: '1' } };
  const { id } = await api.call('createProject', { body: { ...body, check: false } });
  const stored = () => readTaskSecrets(server.db, server.keys, { project_id: id, repo_url });
  const box = page.getByRole('checkbox', { name: 'Remove the stored token' });
  const save = page.getByRole('button', { name: 'Save' });
  await page.goto(`${network.url}/settings/projects/${id}`);
  await box.check();
  await page.getByLabel('Access token').fill('second');
  await save.click();
  await until('the new token is stored', () => stored().git_token === 'second');
  await page.goto(`${network.url}/settings/projects/${id}`);
  await box.check();
  await save.click();
  await until('the token is gone', () => stored().git_token === null);
  t.deepEqual(stored().env, { STAYS: '1' });
  await page.goto(`${network.url}/settings/projects/${id}`);
  await page.getByText('May read, and push branches').waitFor();
  t.is(await box.count(), 0, 'there is nothing to remove');
  t.deepEqual(faults, []);
});
