import test from 'ava';
import type { Page } from 'playwright-core';
import { endTask, runTask } from '../../support/fixtures.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name, exact: true });

test.serial(
  'a schedule is made by one of the usual timings or a cron expression, and shows when it is due',
  async (t) => {
    t.timeout(90_000);
    const { network, api, page, faults } = await openAppLoggedIn(t);
    await page.goto(`${network.url}/settings`);
    await page.getByRole('link', { name: /Schedules/ }).click();
    await page.getByText('A schedule sends the same errand').waitFor();
    await page.getByRole('link', { name: 'New schedule' }).click();

    await page.getByLabel('What is to be done').fill('Update the dependencies\nand make the tests pass');
    await page.getByLabel('Where').selectOption('-');
    await page.getByLabel('Address of the repository').fill('errand://sample');
    await button(page, 'Weekdays').click();
    await page.getByLabel('Time', { exact: true }).fill('09:30');
    await page.getByLabel('Time zone').selectOption('America/New_York');
    await until('the next times are shown', async () => (await page.locator('.next-times li').count()) === 3);
    await button(page, 'Cron').click();
    t.is(await page.getByLabel('Minute, hour, day').inputValue(), '30 9 * * 1-5');
    await page.getByLabel('Minute, hour, day').fill('* * * * *');
    const fault = page.getByText('runs more often than every 5 minutes');
    await page.locator('.timing .field', { has: fault }).waitFor();
    await button(page, 'Save').click();
    await page.locator('.timing .mono:focus').waitFor();
    t.is(await fault.count(), 1, 'it is said once, at the field');
    await button(page, 'Weekly').click();
    await page.getByRole('combobox', { name: 'Day' }).selectOption('5');
    await until('the next times are shown', async () => (await page.locator('.next-times li').count()) === 3);
    await button(page, 'Save').click();

    await page.getByRole('link', { name: /Update the dependencies/ }).waitFor();
    const [schedule] = (await api.call('listSchedules', {})).items;
    t.like(schedule, {
      name: 'Update the dependencies',
      cron: '30 9 * * 5',
      time_zone: 'America/New_York',
      repo_url: 'errand://sample',
      model: null,
    });
    t.deepEqual(faults, []);
  },
);

test.serial('a schedule takes further repositories as projects and addresses, and a change keeps them', async (t) => {
  t.timeout(90_000);
  const { network, api, page, faults } = await openAppLoggedIn(t);
  const [shop, docs] = ['https://github.com/ada/shop', 'https://github.com/ada/docs'] as const;
  const { id: project_id } = await api.call('createProject', { body: { name: 'Docs', repo_url: docs, check: false } });
  const where = { repo_url: 'https://github.com/ada/api', repositories: [{ project_id, work_branch: 'topic' }] };
  const body = { name: 'Rename', prompt: 'Rename it', cron: '0 3 * * *', time_zone: 'UTC', ...where };
  const { id } = await api.call('createSchedule', { body });
  await page.goto(`${network.url}/settings/schedules/${id}`);
  await page.getByText('github.com/ada/api, Docs').waitFor();
  await button(page, 'Change').click();
  const further = page.getByLabel('Further repositories');
  await until('the project has its name', async () => (await further.inputValue()) === 'Docs#:topic');
  await further.fill(`Docs#:topic\n\n${shop}#next`);
  await button(page, 'Save').click();
  await page.getByText('github.com/ada/api, Docs, github.com/ada/shop').waitFor();
  t.deepEqual((await api.call('getSchedule', { params: { id } })).repositories, [
    { project_id, work_branch: 'topic' },
    { repo_url: shop, base_branch: 'next' },
  ]);
  t.deepEqual(faults, []);
});

test.serial('a form of a schedule leaves what was changed elsewhere meanwhile', async (t) => {
  t.timeout(60_000);
  const { network, api, page, faults } = await openAppLoggedIn(t);
  const where = {
    repo_url: 'https://github.com/ada/api',
    repositories: [{ repo_url: 'https://github.com/ada/docs', base_branch: 'next' }],
  };
  const body = { name: 'Updates', prompt: 'Update the dependencies', cron: '30 9 * * 5', time_zone: 'UTC', ...where };
  const { id } = await api.call('createSchedule', { body });
  await page.goto(`${network.url}/settings/schedules/${id}`);
  await button(page, 'Change').click();
  await page.locator('input[name=name]').fill('Friday');
  const repositories = [{ repo_url: 'https://github.com/ada/shop' }];
  const elsewhere = { prompt: 'Update everything', cron: '0 3 * * *', budget_usd: 3, repositories };
  await api.call('patchSchedule', { params: { id }, body: elsewhere });
  await button(page, 'Save').click();
  await page.getByRole('heading', { name: 'Friday' }).waitFor();
  t.like(await api.call('getSchedule', { params: { id } }), { name: 'Friday', ...elsewhere });
  t.deepEqual(faults, []);
});

test.serial('a form of a schedule leaves what it shows in another way than it was written', async (t) => {
  t.timeout(60_000);
  const { network, api, page, faults } = await openAppLoggedIn(t);
  const docs = { name: 'Docs', repo_url: 'https://github.com/ada/docs', check: false };
  const project = await api.call('createProject', { body: docs });
  const kept = {
    prompt: 'Update the dependencies\r\nand the tests',
    cron: '00 09 * * 7',
    repositories: [{ project_id: project.id }],
  };
  const body = { name: 'Updates', time_zone: 'UTC', repo_url: 'https://github.com/ada/api', ...kept };
  const { id } = await api.call('createSchedule', { body });
  await page.goto(`${network.url}/settings/schedules/${id}`);
  const rename = async (name: string) => {
    await button(page, 'Change').click();
    await page.locator('input[name=name]').fill(name);
    await button(page, 'Save').click();
  };
  await rename('Sunday');
  await page.getByRole('heading', { name: 'Sunday' }).waitFor();
  t.like(await api.call('getSchedule', { params: { id } }), { name: 'Sunday', ...kept });
  // Not that its id were no address.
  await api.call('deleteProject', { params: { id: project.id } });
  await page.reload();
  await rename('Monday');
  await page.getByText('A project of this schedule was deleted: give it another one.').waitFor();
  t.deepEqual(faults, []);
});

test.serial('a schedule runs by hand, pauses, resumes, is changed and deleted', async (t) => {
  t.timeout(90_000);
  const { server, network, api, page, faults } = await openAppLoggedIn(t);
  const timing = { cron: '30 9 * * 5', time_zone: 'America/New_York' };
  const body = { name: 'Updates', prompt: 'Update the dependencies', repo_url: 'errand://sample', ...timing };
  const schedule = await api.call('createSchedule', { body });
  await page.goto(`${network.url}/settings/schedules`);
  await page.getByRole('link', { name: /Updates/ }).click();
  await page.getByText('It was not due yet.').waitFor();
  await button(page, 'Run now').click();
  await page.getByRole('link', { name: /At work, by hand/ }).waitFor();
  await button(page, 'Run now').click();
  await page.getByText('The errand before has not ended').waitFor();
  const [task] = (await api.call('listTasks', {})).items;
  t.is(task?.schedule_id, schedule.id);
  runTask(server.log, task?.id ?? '');
  endTask(server.log, task?.id ?? '');
  await page.getByRole('link', { name: /Done, by hand/ }).waitFor();

  await page.goto(`${network.url}/errands/${task?.id}`);
  await button(page, 'Details').click();
  await page.getByRole('link', { name: 'a schedule' }).click();
  await button(page, 'Pause').click();
  await page.getByText('Paused', { exact: true }).waitFor();
  await button(page, 'Resume').click();
  await button(page, 'Pause').waitFor();
  await button(page, 'Change').click();
  t.is(await page.getByRole('combobox', { name: 'Day' }).inputValue(), '5');
  await page.locator('input[name=name]').fill('Friday');
  await button(page, 'Save').click();
  await page.getByRole('heading', { name: 'Friday' }).waitFor();
  await button(page, 'Delete schedule').click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete schedule' }).click();
  // Back to where the person came from.
  await page.locator('.errand').waitFor();
  t.deepEqual((await api.call('listSchedules', {})).items, []);
  t.deepEqual(faults, []);
});
