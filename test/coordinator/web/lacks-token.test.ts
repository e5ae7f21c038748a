import test from 'ava';
import { changePull } from '../../../coordinator/forge/pulls/pull-commands.ts';
import { insertPull, listPullsOf } from '../../../coordinator/sqlite/pulls.ts';
import { newPull } from '../../../coordinator/domain/pull.ts';
import { endAttempt } from '../../../coordinator/tasks/advance.ts';
import { repo_url, sendErrand } from '../../support/send-errand.ts';
import { taskOf } from '../../support/fixtures.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test('an errand that failed for want of a token leads to a project for its address, and to the one that was made', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const detail = `forge.example asks for a credential to read ${repo_url}: give the project a git token, or check the address.`;
  const end = { status: 'failed', reason: 'repository_not_found', detail, at: new Date().toISOString() } as const;
  server.log.write((tx) => endAttempt(tx, taskOf(server.log, errand.id), 1, end));

  await page.goto(`${network.url}/errands/${errand.id}`);
  const links = page.locator('.token-links a');
  await links.first().waitFor();
  t.deepEqual(await links.allTextContents(), ['Make a project with a token', 'Linked accounts']);
  await links.first().click();
  t.is(await page.locator('input[name=repo_url]').inputValue(), repo_url);
  t.is(await page.locator('input[name=name]').inputValue(), 'b');
  await page.getByLabel('Access token').fill('a-token');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('link', { name: 'Token of the project' }).click();
  t.is(await page.locator('input[name=repo_url]').inputValue(), repo_url);
  t.deepEqual(faults, []);
});

test('a pull request that could not be opened leads to the project of its own repository', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network } = await openAppLoggedIn(t, { size: PHONE, locale: 'de-DE' });
  const [shop, docs] = ['https://github.com/ada/shop', 'https://github.com/ada/docs'];
  const project = await api.call('createProject', { body: { name: 'Shop', repo_url: shop, check: false } });
  const body = { prompt: 'Mend it', project_id: project.id, repositories: [{ repo_url: docs }] };
  const errand = new LivelyErrand(server, await api.call('createTask', { body }));
  errand.begin();
  errand.succeed({ summary: 'Mended.' });
  await api.call('openPull', { params: { id: errand.id }, body: {} });
  const [pull] = listPullsOf(server.db, errand.id);
  if (!pull) return t.fail();
  const problem = 'There is no token for github.com.';
  const at = new Date().toISOString();
  server.log.write((tx) => changePull(tx, pull.id, { state: 'failed', problem, next_look_at: null }, at));

  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.getByText(`„${problem}“`).waitFor();
  await page.locator('.token-links a').first().click();
  t.is(await page.locator('input[name=repo_url]').inputValue(), shop);
});

test('the projects are read once for all pull requests that could not be opened', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network } = await openAppLoggedIn(t, { size: PHONE });
  const [shop, docs] = ['https://github.com/ada/shop', 'https://github.com/ada/docs'];
  const body = { prompt: 'Mend it', repo_url: shop, repositories: [{ repo_url: docs }] };
  const errand = new LivelyErrand(server, await api.call('createTask', { body }));
  errand.begin();
  errand.succeed({ summary: 'Mended.' });
  const at = new Date().toISOString();
  const of = { task_id: errand.id, title: 'Mend it', head_branch: 'errand/mend', head_commit: 'b'.repeat(40) };
  const failed = { state: 'failed', problem: 'There is no token for github.com.', next_look_at: null } as const;
  server.log.write((tx) => {
    for (const url of [shop, docs]) {
      const pull = newPull({ ...of, repo_url: url, base_branch: null, draft: false, author: 'person' }, at);
      insertPull(tx.db, { ...pull, ...failed });
    }
  });
  const asked: string[] = [];
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname === '/projects') asked.push(pathname);
  });
  await page.goto(`${network.url}/errands/${errand.id}`);
  await until('all have their links', async () => (await page.locator('.token-links').count()) === 2);
  await page.locator('.token-links a').first().click();
  await page.locator('input[name=repo_url]').waitFor();
  t.deepEqual(asked, ['/projects', '/projects'], 'by the errand, and by the screen of the project');
});
