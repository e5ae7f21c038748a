import test from 'ava';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';
import { draftIsGone, draftIsKept } from './kept-draft.ts';

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
      plan_first: true,
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
  const chosen = ({ project_id, repositories, model, effort, budget_usd, ...asks }: typeof first) => ({
    project_id,
    repositories: repositories?.map((one) => [one.repo_url, one.base_branch]),
    choices: [model, effort, budget_usd, asks.ask_before_push, asks.plan_first],
  });
  t.deepEqual(chosen(second), chosen(first));
  t.is(second.repositories?.[1]?.work_branch, null);
  t.deepEqual(faults, []);
});

test('the same words for another repository, or with a file, are thrown away only if the person says so', async (t) => {
  t.timeout(60_000);
  const { api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const task = await api.call('createTask', {
    body: { prompt: 'Fix', repo_url: 'https://example.org/ann/shop', budget_usd: 7.004321 },
  });
  const likeThis = async (): Promise<void> => {
    await page.goto(`${network.url}/errands/${task.id}`);
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByRole('button', { name: 'New errand like this' }).click();
  };
  const asks = page.getByRole('dialog', { name: 'Discard what you wrote?' });
  await page.goto(`${network.url}/new?repo=https://example.org/ann/docs`);
  await page.locator('textarea.prompt').fill('Fix');
  await draftIsKept(page, 'Fix');
  await draftIsKept(page, 'ann/docs');
  await likeThis();
  await asks.getByRole('button', { name: 'Discard' }).click();
  await page.getByRole('button', { name: 'ann/shop' }).waitFor();
  await page.getByRole('button', { name: 'up to $7', exact: true }).waitFor();

  const file = { name: 'log.txt', mimeType: 'text/plain', buffer: Buffer.from('text') };
  await page.locator('input[type=file]').first().setInputFiles(file);
  await page.getByText('log.txt').waitFor();
  await likeThis();
  await asks.getByRole('button', { name: 'Cancel' }).click();
  await page.goto(`${network.url}/new`);
  await page.getByText('log.txt').waitFor();
  await page.getByRole('button', { name: 'up to' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Done' }).click();
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  t.deepEqual(faults, []);
});

test('nothing is written like another errand for whoever has left before the server has answered', async (t) => {
  t.timeout(60_000);
  const { api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const task = await api.call('createTask', { body: { prompt: 'Fix', repo_url: 'https://example.org/ann/shop' } });
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  await page.goto(`${network.url}/errands/${task.id}`);
  const field = page.locator('textarea.composer-field');
  await field.waitFor();
  const asked = page.waitForRequest(/\/server$/);
  await page.route(/\/server$/, async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole('button', { name: 'Details' }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByRole('button', { name: 'New errand like this' }).click();
  t.true(await sheet.getByRole('button', { name: 'One moment…' }).isDisabled());
  await asked;
  await sheet.getByRole('button', { name: 'Close' }).click();
  const answered = page.waitForResponse(/\/server$/);
  release();
  await answered;
  await field.fill('And the hall');
  await draftIsKept(page, 'And the hall');
  t.is(new URL(page.url()).pathname, `/errands/${task.id}`);
  await draftIsGone(page, 'ann/shop');
  t.deepEqual(faults, []);
});

test('an errand that is half written, with its files, is thrown away for one like another only if the person says so', async (t) => {
  t.timeout(60_000);
  const { api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const task = await api.call('createTask', { body: { prompt: 'Fix', repo_url: 'https://example.org/ann/shop' } });
  const prompt = page.locator('textarea.prompt');
  const likeThis = async (): Promise<void> => {
    await page.goto(`${network.url}/errands/${task.id}`);
    await page.getByRole('button', { name: 'Details' }).click();
    await page.getByRole('button', { name: 'New errand like this' }).click();
  };
  await page.goto(`${network.url}/new?repo=https://example.org/ann/docs`);
  await prompt.fill('Fix the docs');
  await page
    .locator('input[type=file]')
    .first()
    .setInputFiles({ name: 'log.txt', mimeType: 'text/plain', buffer: Buffer.from('text') });
  await page.getByText('log.txt').waitFor();
  await draftIsKept(page, 'Fix the docs');
  await draftIsKept(page, 'ann/docs');

  await likeThis();
  const asks = page.getByRole('dialog', { name: 'Discard what you wrote?' });
  await asks.getByText('New errand', { exact: true }).waitFor();
  await asks.getByRole('button', { name: 'Cancel' }).click();
  await page.goto(`${network.url}/new`);
  await page.getByRole('button', { name: 'ann/docs' }).waitFor();
  await page.getByText('log.txt').waitFor();
  t.is(await prompt.inputValue(), 'Fix the docs');

  await likeThis();
  await asks.getByRole('button', { name: 'Discard' }).click();
  await page.getByRole('button', { name: 'ann/shop' }).waitFor();
  t.is(await prompt.inputValue(), 'Fix');
  t.is(await page.getByText('log.txt').count(), 0);

  await likeThis();
  await page.getByRole('button', { name: 'ann/shop' }).waitFor();
  t.is(await prompt.inputValue(), 'Fix', 'a second touch adds nothing');
  t.deepEqual(faults, []);
});
