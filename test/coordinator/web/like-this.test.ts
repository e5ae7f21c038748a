import test from 'ava';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';

test('a new errand like another one begins with its words, its repositories and its choices, and pushes to branches of its own', async (t) => {
  t.timeout(60_000);
  const { api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const project = await api.call('createProject', {
    body: { name: 'Shop', repo_url: 'https://example.org/ann/shop', base_branch: 'main' },
  });
  const prompt = `Rename it\n\n${'A long text. '.repeat(2_000)}`.trim();
  const first = await api.call('createTask', {
    body: {
      prompt,
      project_id: project.id,
      repositories: [{ repo_url: 'https://example.org/ann/docs', base_branch: 'next', work_branch: 'wording' }],
      budget_usd: 3,
      ask_before_push: true,
    },
  });

  await page.goto(`${network.url}/errands/${first.id}`);
  await page.getByRole('button', { name: 'Details' }).click();
  await page.getByRole('button', { name: 'New errand like this' }).click();
  const chip = (name: string | RegExp) => page.getByRole('button', { name, exact: true });
  await chip('Shop').waitFor();
  await chip('ann/docs next').waitFor();
  await chip(/^default model/).waitFor();
  await chip('up to $3').waitFor();
  t.is(await page.locator('textarea.prompt').inputValue(), prompt);
  await page.locator('button.send').click();
  const second = await until('it is sent', async () =>
    (await api.call('listTasks', {})).items.find(({ id }) => id !== first.id),
  );
  const chosen = ({ project_id, repositories, model, effort, budget_usd, ask_before_push }: typeof first) => ({
    project_id,
    repositories: repositories?.map((one) => [one.repo_url, one.base_branch]),
    choices: [model, effort, budget_usd, ask_before_push],
  });
  t.deepEqual(chosen(second), chosen(first));
  t.is(second.repositories?.[1]?.work_branch, null);
  t.deepEqual(faults, []);
});
