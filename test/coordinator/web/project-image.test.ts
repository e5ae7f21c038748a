import test from 'ava';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK, PHONE } from '../../support/web/browser.ts';

const IMAGES = { ERRAND_WORKER_IMAGES: 'rust=errand-rust:latest,go=errand-go' };

test('the form of a project offers the images of the server, and keeps one that is offered no more', async (t) => {
  t.timeout(60_000);
  const { api, server, page, network, faults } = await openAppLoggedIn(t, { size: PHONE }, IMAGES);
  const { id } = await api.call('createProject', { body: { name: 'Shop', repo_url: 'errand://sample' } });
  const stored = async () => (await api.call('getProject', { params: { id } })).image;
  const open = () => page.goto(`${network.url}/settings/projects/${id}`);
  const save = async () => {
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('link', { name: /Shop/ }).waitFor();
  };
  const choice = page.getByLabel('Image of the workers');
  await open();
  await choice.waitFor();
  t.deepEqual(await choice.locator('option').allTextContents(), ['The server’s default', 'rust', 'go']);
  t.is(await choice.inputValue(), '');
  await choice.selectOption('rust');
  await save();
  t.is(await stored(), 'rust');
  await open();
  await choice.locator('option', { hasText: 'go' }).waitFor({ state: 'attached' });
  t.is(await choice.inputValue(), 'rust');
  await choice.selectOption('');
  await save();
  t.is(await stored(), null);
  server.db.prepare("UPDATE projects SET image = 'python' WHERE id = ?").run(id);
  await open();
  await choice.locator('option', { hasText: 'python (not offered any more)' }).waitFor({ state: 'attached' });
  await page.getByLabel('Verify command').fill('npm test');
  await save();
  t.is(await stored(), 'python', 'only what was changed is sent');
  t.deepEqual(faults, []);
});

test('where the server has only its default, the form asks for no image', async (t) => {
  t.timeout(60_000);
  const { page, network, api, faults } = await openAppLoggedIn(t, { size: DESK });
  await page.goto(`${network.url}/settings/projects/new`);
  const offered = page.waitForResponse((response) => response.url().endsWith('/server'));
  await page.reload();
  await offered;
  await page.getByLabel('Verify command').waitFor();
  t.is(await page.getByLabel('Image of the workers').count(), 0);
  await page.locator('input[name=name]').fill('Shop');
  await page.locator('input[name=repo_url]').fill('errand://sample');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('link', { name: /Shop/ }).waitFor();
  t.is((await api.call('listProjects', {})).items[0]?.image, null);
  t.deepEqual(faults, []);
});
