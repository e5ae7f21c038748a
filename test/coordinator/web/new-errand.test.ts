import { join } from 'node:path';
import test from 'ava';
import { endAttempt } from '../../../coordinator/tasks/advance.ts';
import { taskOf } from '../../support/fixtures.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const SHOTS = process.env['ERRAND_TEST_SHOTS'];

test('a new errand names the defaults, takes Enter, and the next one begins without what the server refused', async (t) => {
  t.timeout(120_000);
  const { api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const shot = async (name: string) => {
    if (SHOTS !== undefined) await page.screenshot({ path: join(SHOTS, `${name}.png`) });
  };
  const chip = (name: string | RegExp) => page.getByRole('button', { name });
  const sheet = page.getByRole('dialog');
  const { models, defaults } = await api.call('server', {});
  const detail = "The model 'gpt-4' is not in this server's price table.";
  const problem = { type: 'about:blank', title: 'Forbidden', status: 403, code: 'forbidden', detail };
  const refusal = { status: 403, contentType: 'application/problem+json', body: JSON.stringify(problem) };
  await page.route(/\/tasks?$/, (route) =>
    route.request().method() === 'POST' ? route.fulfill(refusal) : route.continue(),
  );
  await page.goto(`${network.url}/new`);
  await chip(`default model ${defaults.model}`).waitFor();
  await chip(/default budget \$5/).waitFor();
  await page.locator('textarea.prompt').fill('Mend it');

  await chip('Choose a repository').click();
  await sheet.getByRole('searchbox').fill('https://example.org/one.git');
  await sheet.getByRole('searchbox').press('Enter');
  await sheet.waitFor({ state: 'detached' });
  await chip('one').click();
  await sheet.getByLabel('Start from').fill('no-such-branch');
  await shot('new-branches');
  await sheet.getByLabel('Start from').press('Enter');
  await sheet.waitFor({ state: 'detached' });

  await chip('default model').click();
  const model = sheet.getByRole('combobox', { name: 'Model' });
  const offered = sheet.locator('datalist option');
  await offered.first().waitFor({ state: 'attached' });
  t.deepEqual(await offered.evaluateAll((all) => all.map((each) => each.getAttribute('value'))), models);
  await model.fill('gpt-4');
  await sheet.getByText('This server does not offer this model.').waitFor();
  await shot('new-model');
  await model.press('Enter');
  await sheet.waitFor({ state: 'detached' });
  await page.locator('.later', { hasText: 'does not offer this model' }).waitFor();
  t.true(await page.locator('button.send').isDisabled());
  await chip('gpt-4').click();
  await model.fill('');
  await model.press('Enter');
  await page.locator('button.send').click();
  await page.locator('.unsent', { hasText: 'price table' }).waitFor();

  await page.goto(`${network.url}/new`);
  await chip('Choose a repository').waitFor();
  await chip(`default model ${defaults.model}`).waitFor();
  await shot('new-next');
  t.is(await page.getByText('no-such-branch').count(), 0);
  t.deepEqual(faults, []);
});

test('the newest repositories are offered first, each once, as it was last written', async (t) => {
  t.timeout(120_000);
  const { api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  for (const name of ['old.git', 'other.git', 'middle.git', 'old'])
    await api.call('createTask', { body: { prompt: 'Mend it', repo_url: `https://example.org/ann/${name}` } });
  await page.goto(`${network.url}/new`);
  await page.getByRole('button', { name: 'Choose a repository' }).click();
  const offered = page.locator('.places li', { hasText: 'example.org/ann/' });
  await offered.nth(2).waitFor();
  t.deepEqual(await offered.locator('b').allTextContents(), ['old', 'middle', 'other']);
  t.deepEqual(faults, []);
});

test('an address in the search of a repository is taken by Done too, and a word only where none is chosen', async (t) => {
  t.timeout(120_000);
  const { page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const [sheet, chip] = [page.getByRole('dialog'), (name: string) => page.getByRole('button', { name })];
  const search = sheet.getByRole('searchbox');
  const done = sheet.getByRole('button', { name: 'Done' });
  await page.goto(`${network.url}/new`);
  await chip('Choose a repository').click();
  await search.fill('no such');
  await done.click();
  await sheet.getByText('This is neither an address nor one of your repositories.').waitFor();
  await search.fill('https://example.org/one.git');
  await search.press('Enter');
  await chip('one').click();
  await search.fill('sample');
  await sheet.getByRole('button', { name: /sample/i }).waitFor();
  await sheet.getByLabel('Start from').fill('next');
  await done.click();
  await chip('one next').click();
  await search.fill('https://example.org/two.git');
  await done.click();
  await sheet.waitFor({ state: 'detached' });
  await chip('two').click();
  t.is(await sheet.getByLabel('Start from').inputValue(), 'next');
  await done.click();
  await sheet.waitFor({ state: 'detached' });
  await chip('two').waitFor();
  t.deepEqual(faults, []);
});

test('Enter takes the first repository that the forge finds, also a moment later', async (t) => {
  t.timeout(120_000);
  const { page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const sheet = page.getByRole('dialog');
  const released = Promise.withResolvers<void>();
  const rest = { forge: 'GitHub', default_branch: 'main', private: false, pushed_at: null };
  const items = ['shop', 'shop-api'].map((name) => {
    return { name: `ann/${name}`, repo_url: `https://example.org/ann/${name}`, ...rest };
  });
  await page.route(/\/repositories\?search=.+/, async (route) => {
    const finds = new URL(route.request().url()).searchParams.get('search') === 'sho';
    if (finds) await released.promise;
    await route.fulfill({ json: { items: finds ? items : [], faults: [] } });
  });
  await page.goto(`${network.url}/new`);
  const chip = (name: string) => page.getByRole('button', { name, exact: true });
  await chip('Choose a repository').click();
  await page.locator('.live:not(.off)').first().or(sheet).first().waitFor();
  const search = sheet.getByRole('searchbox');
  const no_match = sheet.getByText('This is neither an address nor one of your repositories.');
  await search.fill('nothing');
  await search.press('Enter');
  await no_match.waitFor();
  await search.fill('sho');
  await search.press('Enter');
  t.is(await no_match.count(), 0);
  released.resolve();
  await sheet.waitFor({ state: 'detached' });
  await chip('ann/shop').click();
  await search.fill('sho');
  await sheet.getByText('ann/shop-api', { exact: true }).waitFor();
  await search.press('Enter');
  await sheet.waitFor({ state: 'detached' });
  await chip('ann/shop').waitFor();
  t.deepEqual(faults, []);
});

test('the repository that is chosen is marked, and what was not found there is neither kept nor offered', async (t) => {
  t.timeout(120_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'https://example.org/ann/shop' } });
  const chip = (name: string | RegExp) => page.getByRole('button', { name });
  const sheet = page.getByRole('dialog');
  await page.goto(`${network.url}/new`);
  await page.locator('textarea.prompt').fill('Mend it');
  await chip('Choose a repository').click();
  const search = sheet.getByRole('searchbox');
  await search.fill('https://ann:secret@example.org/bob/shop');
  await sheet.getByText('Leave the password out').waitFor();
  await search.fill('git clone https://example.org/bob/shop');
  await search.press('Enter');
  await chip('bob/shop').click();
  await sheet.getByLabel('Start from').fill('no such ~branch');
  await sheet.getByText('not the name of a branch').waitFor();
  await sheet.getByLabel('Start from').fill('');
  await sheet.getByText('not the name of a branch').waitFor({ state: 'detached' });
  await sheet.getByRole('button', { name: 'Done' }).click();
  const sent = page.waitForResponse((response) => response.request().method() === 'POST' && response.status() === 201);
  await page.locator('button.send').click();
  await sent;
  const id = (await api.call('listTasks', {})).items[0]?.id ?? '';

  await page.goto(`${network.url}/new`);
  await chip('bob/shop').click();
  const chosen = sheet.locator('[aria-pressed=true]');
  t.deepEqual(await chosen.locator('span').allTextContents(), ['example.org/bob/shop']);
  const end = { status: 'failed', reason: 'repository_not_found', detail: null, at: new Date().toISOString() } as const;
  new LivelyErrand(server, { id }).begin();
  server.log.write((tx) => endAttempt(tx, taskOf(server.log, id), 1, end));
  await chosen.waitFor({ state: 'detached' });
  t.deepEqual(await sheet.locator('.places span').first().allTextContents(), ['example.org/ann/shop']);
  await sheet.press('Escape');
  await chip('Choose a repository').waitFor();
  t.deepEqual(faults, []);
});

test('the next errand begins with the first repository alone, also by a short address, and without branches', async (t) => {
  t.timeout(60_000);
  const { api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  const chip = (name: string | RegExp) => page.getByRole('button', { name });
  const ask = page.getByRole('button', { name: 'Ask me before pushing' });
  const plan = page.getByRole('button', { name: 'Plan first' });
  const [docs, blog] = ['docs#next', 'blog'].map((name) => encodeURIComponent(`https://example.org/ann/${name}`));
  await page.goto(`${network.url}/new?text=Rename&repo=gh:ann/shop&also=${docs}&also=${blog}`);
  await chip('Remove ann/blog').click();
  await chip(/^ann\/blog$/).waitFor({ state: 'detached' });
  await ask.click();
  await plan.click();
  await page.locator('button.send').click();
  await page.locator('.task', { hasText: 'Rename' }).waitFor();
  const [task] = (await api.call('listTasks', {})).items;
  t.deepEqual(
    task?.repositories?.map((one) => one.repo_url),
    ['https://github.com/ann/shop', 'https://example.org/ann/docs'],
  );
  t.like(task, { ask_before_push: true, plan_first: true });

  await page.goto(`${network.url}/new`);
  await chip(/^shop$/).waitFor();
  t.is(await chip(/^ann\//).count(), 0);
  for (const one of [ask, plan]) t.is(await one.getAttribute('aria-pressed'), 'false');
  t.deepEqual(faults, []);
});

test('whether to ask before pushing is as the project says, until the person says otherwise', async (t) => {
  t.timeout(60_000);
  const { api, page, network, faults } = await openAppLoggedIn(t, { size: PHONE });
  for (const [name, ask_before_push] of Object.entries({ careful: true, quick: false }))
    await api.call('createProject', { body: { name, repo_url: `https://example.org/ann/${name}`, ask_before_push } });
  const ask = page.getByRole('button', { name: 'Ask me before pushing' });
  const shows = (pressed: boolean) => page.locator(`button[aria-pressed=${pressed}]`, { hasText: 'Ask me' }).waitFor();
  const choose = async (name: string): Promise<void> => {
    await page.locator('.chips .option').first().click();
    const sheet = page.getByRole('dialog');
    await sheet.locator('.places button', { hasText: name }).waitFor();
    const search = sheet.getByRole('searchbox');
    await search.fill(name);
    await search.press('Enter');
  };
  const send = async (prompt: string) => {
    await page.locator('textarea.prompt').fill(prompt);
    await page.locator('button.send').click();
    return until('it is sent', async () =>
      (await api.call('listTasks', {})).items.find((task) => task.prompt === prompt),
    );
  };
  await page.goto(`${network.url}/new`);
  await choose('quick');
  await shows(false);
  await choose('careful');
  await shows(true);
  t.like(await send('As the project says'), { ask_before_push: true });

  await page.goto(`${network.url}/new`);
  await shows(true);
  await ask.click();
  await shows(false);
  t.like(await send('Without a question'), { ask_before_push: false });
  t.deepEqual(faults, []);
});
