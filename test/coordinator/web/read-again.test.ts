import test from 'ava';
import type { Page } from 'playwright-core';
import type { Ends } from '../../support/folder.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { logIn, openApp, openAppLoggedIn, type AppScene } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const AWAY = 'The server cannot be reached now.';
const ONLY_HERE = 'Only what this device knows: the server cannot be reached.';

/** Each address, what it says without a network, and what it shows with one. */
const SCREENS: [string, string, string][] = [
  ['/archived', ONLY_HERE, 'Long ago'],
  ['/settings', AWAY, 'this device'],
  ['/settings/projects', AWAY, 'bills'],
  ['/settings/schedules', AWAY, 'Nightly'],
  ['/settings/accounts', AWAY, 'Nobody can sign in elsewhere on this server yet.'],
  ['/settings/notifications', AWAY, 'You are notified nowhere else.'],
];

/** A device that is logged in anew, and knows little of what the server has. */
async function openFilled(t: Ends): Promise<AppScene> {
  const scene = await openApp(t);
  await fill(scene);
  await logIn(scene);
  await scene.page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');
  return scene;
}

async function fill({ server, api }: AppScene): Promise<void> {
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Long ago' }));
  errand.begin();
  errand.succeed({});
  await api.call('patchTask', { params: { id: errand.id }, body: { archived: true } });
  const project = { name: 'bills', repo_url: 'https://git.example.org/you/bills' };
  const { id: project_id } = await api.call('createProject', { body: project });
  const timing = { cron: '0 3 * * *', time_zone: 'Europe/Berlin' };
  await api.call('createSchedule', { body: { name: 'Nightly', prompt: 'Update it', project_id, ...timing } });
}

async function goOnline({ network }: AppScene, page: Page): Promise<void> {
  network.offline = false;
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
}

test.serial('a screen that was opened without a network is read once the server can be reached', async (t) => {
  t.timeout(180_000);
  const scene = await openFilled(t);
  const { page, network, faults } = scene;
  for (const [path, without, shown] of SCREENS) {
    network.offline = true;
    network.cut();
    await page.goto(network.url + path);
    await page.getByText(without).first().waitFor();
    t.is(await page.getByText(shown).count(), 0, path);
    await goOnline(scene, page);
    await page.getByText(shown).first().waitFor();
    await page.getByText(without).first().waitFor({ state: 'detached' });
  }
  t.deepEqual(faults, []);
});

test.serial('a search that could ask no server asks it once that can be reached', async (t) => {
  t.timeout(120_000);
  const scene = await openFilled(t);
  const { page, network, faults } = scene;
  network.offline = true;
  network.cut();
  await page.getByRole('button', { name: 'Search' }).click();
  await page.getByRole('searchbox').fill('Long');
  await page.getByText(ONLY_HERE).waitFor();
  await goOnline(scene, page);
  await page.getByRole('link', { name: /Long ago/ }).waitFor();
  t.is(await page.getByText(ONLY_HERE).count(), 0);
  t.deepEqual(faults, []);
});

test.serial('a project that does not exist says so, and is no new one', async (t) => {
  t.timeout(60_000);
  const { page, network, faults } = await openAppLoggedIn(t);
  await page.goto(`${network.url}/settings/projects/01hzzzzzzzzzzzzzzzzz`);
  await page.getByText('This project does not exist any more.').waitFor();
  t.is(await page.getByRole('heading', { name: 'New project' }).count(), 0);
  t.deepEqual(faults, []);
});

test.serial(
  'a form of a project saves what was changed in it, and leaves what was changed elsewhere meanwhile',
  async (t) => {
    t.timeout(60_000);
    const { api, page, network, faults } = await openAppLoggedIn(t);
    const body = { name: 'bills', repo_url: 'https://git.example.org/you/bills', allowed_hosts: ['one.example.org'] };
    const { id } = await api.call('createProject', { body });
    await page.goto(`${network.url}/settings/projects/${id}`);
    await page.getByLabel('Verify command').fill('npm test');
    const allowed_hosts = ['one.example.org', 'two.example.org'];
    await api.call('patchProject', { params: { id }, body: { allowed_hosts, budget_usd: 3 } });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL(/projects$/);
    t.like(await api.call('getProject', { params: { id } }), {
      allowed_hosts,
      budget_usd: 3,
      verify_command: 'npm test',
    });
    await page.getByRole('link', { name: /bills/ }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await page.waitForURL(/projects$/);
    t.deepEqual(faults, []);
  },
);

test.serial('a form of a project begins with what the server has, not with what the device has kept', async (t) => {
  t.timeout(60_000);
  const { api, page, network, faults } = await openAppLoggedIn(t);
  const body = { name: 'bills', repo_url: 'https://git.example.org/you/bills', allowed_hosts: ['one.example.org'] };
  const { id } = await api.call('createProject', { body });
  const params = { id };
  const hosts = page.locator('textarea[name=allowed_hosts]');
  await page.goto(`${network.url}/settings/projects/${id}`);
  await hosts.waitFor();
  await page.goto(network.url);
  const newer = ['one.example.org', 'two.example.org'];
  await api.call('patchProject', { params, body: { allowed_hosts: newer, egress: 'open' } });
  await page.goto(`${network.url}/settings/projects/${id}`);
  await until('it shows what the server has', async () => (await hosts.inputValue()) === newer.join('\n'));
  t.is(await page.locator('select[name=egress]').inputValue(), 'open');
  const allowed_hosts = [...newer, 'three.example.org'];
  await api.call('patchProject', { params, body: { allowed_hosts } });
  await page.getByLabel('Verify command').fill('npm test');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForURL(/projects$/);
  t.like(await api.call('getProject', { params }), { allowed_hosts, egress: 'open', verify_command: 'npm test' });
  t.deepEqual(faults, []);
});

test.serial('a form of a project waits for what the server has, and says that it does or why it cannot', async (t) => {
  t.timeout(120_000);
  const scene = await openAppLoggedIn(t);
  const { api, page, network, faults } = scene;
  const body = { name: 'bills', repo_url: 'https://git.example.org/you/bills', allowed_hosts: ['one.example.org'] };
  const { id } = await api.call('createProject', { body });
  const hosts = page.locator('textarea[name=allowed_hosts]');
  const path = `${network.url}/settings/projects/${id}`;
  await page.goto(path);
  await hosts.waitFor();
  await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');

  const released = Promise.withResolvers<void>();
  await page.route('**/projects?*', async (route) => {
    await released.promise;
    await route.continue();
  });
  await page.goto(path);
  await page.getByText('Loading…').waitFor();
  t.is(await hosts.count(), 0);
  released.resolve();
  await hosts.waitFor();
  t.is(await page.getByText('Loading…').count(), 0);
  await page.unroute('**/projects?*');

  network.offline = true;
  network.cut();
  await page.goto(path);
  await page.getByText(AWAY).waitFor();
  t.is(await hosts.count(), 0);
  const newer = ['one.example.org', 'two.example.org'];
  await api.call('patchProject', { params: { id }, body: { allowed_hosts: newer } });
  await goOnline(scene, page);
  await hosts.waitFor();
  t.is(await hosts.inputValue(), newer.join('\n'));
  t.deepEqual(faults, []);
});

test.serial('a form of a project leaves a text that it shows in another way, and what it does not show', async (t) => {
  t.timeout(60_000);
  const { api, page, network, faults } = await openAppLoggedIn(t);
  const kept = { setup_command: 'npm ci\nnpm run build', egress_hosts: ['one.example.org'] };
  const body = { name: 'bills', repo_url: 'https://git.example.org/you/bills', egress: 'open' as const, ...kept };
  const { id } = await api.call('createProject', { body });
  await page.goto(`${network.url}/settings/projects/${id}`);
  await page.getByLabel('Verify command').fill('npm test');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForURL(/projects$/);
  t.like(await api.call('getProject', { params: { id } }), { ...kept, verify_command: 'npm test' });
  // A field that is shown at first, and no more.
  await api.call('patchProject', { params: { id }, body: { egress: 'list' } });
  await page.goto(`${network.url}/settings/projects/${id}`);
  await page.locator('[name=egress_hosts]').waitFor();
  await page.locator('[name=egress]').selectOption('open');
  await page.locator('[name=egress_hosts]').waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForURL(/projects$/);
  t.like(await api.call('getProject', { params: { id } }), { ...kept, egress: 'open' });
  t.deepEqual(faults, []);
});

test.serial('a new project that was saved with warnings is changed by what is saved after that', async (t) => {
  t.timeout(60_000);
  const { api, page, network, faults } = await openAppLoggedIn(t);
  await page.route('**/projects', async (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    const response = await route.fetch();
    // As an older server answers.
    const { coded_warnings: _coded, ...saved } = await response.json();
    await route.fulfill({ response, json: { ...saved, warnings: ['The token may not push.'] } });
  });
  await page.goto(`${network.url}/settings/projects/new`);
  await page.getByLabel('Name', { exact: true }).fill('Bills');
  await page.getByLabel(/^Repository/).fill('https://git.example.org/you/bills');
  await page.getByRole('button', { name: 'Save' }).click();
  const warning = page.getByText('The token may not push.');
  await warning.waitFor();
  await until('the warning is in view', () =>
    warning.evaluate((shown) => {
      const { top, bottom } = shown.getBoundingClientRect();
      return top >= 0 && bottom <= innerHeight;
    }),
  );
  await page.getByLabel('Name', { exact: true }).fill('Invoices');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.waitForURL(/projects$/);
  t.deepEqual(
    (await api.call('listProjects', {})).items.map(({ name }) => name),
    ['Invoices'],
  );
  t.deepEqual(faults, []);
});

test.serial('settings that are opened without a network say so, and offer nothing that needs it', async (t) => {
  t.timeout(60_000);
  const { page, network } = await openAppLoggedIn(t);
  await page.getByRole('link', { name: 'Settings' }).waitFor();
  // Long enough on its way that the app has to say something meanwhile.
  await page.route(/\/(sessions|readyz|me)(\?|$)/, () => undefined);
  network.offline = true;
  network.cut();
  await page.locator('.live.off').first().waitFor();
  await page.getByRole('link', { name: 'Settings' }).click();
  await page.locator('.settings .soft', { hasText: 'The server cannot be reached now.' }).first().waitFor();
  t.is(await page.getByText('Loading').count(), 0);
  t.true(await page.getByRole('button', { name: 'Add a phone' }).isDisabled());
  t.is(await page.getByText(/·\s*$/).count(), 0, 'nothing is announced that does not come');
});
