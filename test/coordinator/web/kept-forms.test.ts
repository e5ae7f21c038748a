import test from 'ava';
import type { Page } from 'playwright-core';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { draftIsGone, draftIsKept } from './kept-draft.ts';

const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

test('what is written in the form of a project survives the app, but for its token and secrets', async (t) => {
  t.timeout(120_000);
  const { api, page, network, faults } = await openAppLoggedIn(t);
  const field = (name: string) => page.locator(`[name=${name}]`);
  const fill = async (): Promise<void> => {
    await page.goto(`${network.url}/settings/projects/new`);
    await field('name').fill('Shop');
    await field('git_token').fill('hidden-token');
    await field('secrets').fill('KEY=hidden');
    await field('egress').selectOption('list');
    await field('egress_hosts').fill('example.org');
    await field('ask_before_push').check();
    await draftIsKept(page, '"ask_before_push":"yes"');
    await page.reload();
    await page.getByText('What you wrote before is not saved yet.').waitFor();
  };
  await fill();
  t.is(await field('name').inputValue(), 'Shop');
  t.is(await field('egress_hosts').inputValue(), 'example.org');
  t.true(await field('ask_before_push').isChecked());
  t.is(await field('git_token').inputValue(), '');
  t.is(await field('secrets').inputValue(), '');
  await button(page, 'Discard').click();
  await page.getByText('What you wrote before').waitFor({ state: 'detached' });
  t.is(await field('name').inputValue(), '');

  await fill();
  await field('repo_url').fill('errand://sample');
  await button(page, 'Save').click();
  await page.getByRole('link', { name: /Shop/ }).waitFor();
  const [{ id } = { id: '' }] = (await api.call('listProjects', {})).items;
  await page.goto(`${network.url}/settings/projects/${id}`);
  await field('setup_command').fill('npm ci');
  await draftIsKept(page, 'npm ci');
  await api.call('patchProject', { params: { id }, body: { name: 'Store' } });
  await page.reload();
  await page.getByText('What you wrote before').waitFor();
  t.is(await field('setup_command').inputValue(), 'npm ci');
  t.is(await field('name').inputValue(), 'Store', 'only what was written is kept');
  await button(page, 'Save').click();
  await page.getByRole('link', { name: /Store/ }).waitFor();
  await page.goto(`${network.url}/settings/projects/new`);
  await field('name').waitFor();
  t.is(await field('name').inputValue(), '');
  t.is(await page.getByText('What you wrote before').count(), 0);
  t.deepEqual(faults, []);
});

test('what is written for a project of one repository does not show for another one', async (t) => {
  t.timeout(120_000);
  const { api, page, network, faults } = await openAppLoggedIn(t);
  const field = (name: string) => page.locator(`[name=${name}]`);
  const [shop, docs] = ['https://example.org/ann/shop', 'https://example.org/ann/docs'];
  const open = (query: string) => page.goto(`${network.url}/settings/projects/new${query}`);
  await open('');
  await field('repo_url').fill(shop);
  await draftIsKept(page, shop);
  await open(`?repo=${docs}`);
  await field('setup_command').fill('npm ci');
  t.is(await field('repo_url').inputValue(), docs);
  t.is(await field('name').inputValue(), 'docs');
  await draftIsKept(page, 'npm ci');
  await page.goto(`${network.url}/settings/projects`);
  await page.getByText('live', { exact: true }).first().waitFor();
  await open('');
  await page.getByText('What you wrote before').waitFor();
  t.is(await field('repo_url').inputValue(), shop);
  t.is(await field('setup_command').inputValue(), '');
  await open(`?repo=${docs}`);
  await page.getByText('What you wrote before').waitFor();
  t.is(await field('repo_url').inputValue(), docs);
  t.is(await field('setup_command').inputValue(), 'npm ci');

  await api.call('createProject', { body: { name: 'Docs', repo_url: `${docs}.git`, check: false } });
  await page.goto(`${network.url}/settings/projects`);
  await draftIsGone(page, 'npm ci');
  await draftIsKept(page, shop);
  t.deepEqual(faults, []);
});

test('what is written in the form of a schedule survives the app', async (t) => {
  t.timeout(120_000);
  const { api, page, network, faults } = await openAppLoggedIn(t);
  await page.goto(`${network.url}/settings/schedules/new`);
  await page.getByLabel('What is to be done').fill('Update the dependencies');
  await page.getByLabel('Where').selectOption('-');
  await page.getByLabel('Address of the repository').fill('errand://sample');
  await button(page, 'Weekly').click();
  await page.getByRole('combobox', { name: 'Day' }).selectOption('5');
  await page.getByLabel('Time zone').selectOption('America/New_York');
  await draftIsKept(page, 'America/New_York');
  await page.reload();
  await page.getByText('What you wrote before').waitFor();
  await button(page, 'Save').click();
  await page.getByRole('link', { name: /Update the dependencies/ }).waitFor();
  const [schedule] = (await api.call('listSchedules', {})).items;
  const timing = { cron: '0 3 * * 5', time_zone: 'America/New_York' };
  t.like(schedule, { prompt: 'Update the dependencies', repo_url: 'errand://sample', ...timing });
  t.deepEqual(faults, []);
});

test('what was half written for a schedule or a project goes once that is deleted, here or elsewhere', async (t) => {
  t.timeout(120_000);
  const { api, page, network, faults } = await openAppLoggedIn(t);
  const shop = { name: 'Shop', repo_url: 'https://example.org/shop.git', check: false };
  const timing = { cron: '0 3 * * *', time_zone: 'UTC', repo_url: 'errand://sample' };
  const project = await api.call('createProject', { body: shop });
  const [here, elsewhere] = [
    await api.call('createSchedule', { body: { name: 'Here', prompt: 'Update', ...timing } }),
    await api.call('createSchedule', { body: { name: 'Elsewhere', prompt: 'Update', ...timing } }),
  ];
  const write = async (path: string, name: string, text = 'Half written') => {
    await page.goto(`${network.url}/settings/${path}`);
    if (path.startsWith('schedules')) await button(page, 'Change').click();
    await page.locator(`[name=${name}]`).fill(text);
    await draftIsKept(page, text);
  };
  await write('projects/new', 'setup_command', 'Still new');
  await write(`projects/${project.id}`, 'name');
  await api.call('deleteProject', { params: { id: project.id } });
  await page.goto(`${network.url}/settings/projects`);
  await draftIsGone(page, 'Half written');
  await write(`schedules/${elsewhere.id}`, 'name');
  await api.call('deleteSchedule', { params: { id: elsewhere.id } });
  await page.goto(`${network.url}/settings/schedules`);
  await draftIsGone(page, 'Half written');
  await write(`schedules/${here.id}`, 'name');
  await page.reload();
  await button(page, 'Delete schedule').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete schedule' }).click();
  await draftIsGone(page, 'Half written');
  await draftIsKept(page, 'Still new');
  t.deepEqual(faults, []);
});

for (const [path, fill] of [
  ['schedules', { prompt: 'Update', place: '-', repo_url: 'errand://sample' }],
  ['projects', { name: 'Shop', repo_url: 'errand://sample' }],
] as const)
  test(`who saves again after a lost answer makes one of the ${path}`, async (t) => {
    t.timeout(120_000);
    const { api, page, network } = await openAppLoggedIn(t);
    await page.goto(`${network.url}/settings/${path}/new`);
    for (const [name, value] of Object.entries(fill)) {
      const field = page.locator(`[name=${name}]`);
      await (name === 'place' ? field.selectOption(value) : field.fill(value));
    }
    let lost = 0;
    // Each answer to the first touch is lost, whether the app tries again by itself or not.
    await page.route(new RegExp(`/${path}$`), async (route) => {
      if (route.request().method() !== 'POST') return route.continue();
      await route.fetch();
      lost++;
      return route.abort();
    });
    await button(page, 'Save').click();
    await page.getByText('The server cannot be reached now.').waitFor();
    t.true(lost > 0);
    await page.unroute(new RegExp(`/${path}$`));
    await button(page, 'Save').click();
    await page.locator('form').waitFor({ state: 'detached' });
    const { items } = await api.call(path === 'schedules' ? 'listSchedules' : 'listProjects', {});
    t.is(items.length, 1);
  });
