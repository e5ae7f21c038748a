import test, { type ExecutionContext } from 'ava';
import type { Page } from 'playwright-core';
import { openApp, openAppLoggedIn, type AppScene } from '../../support/web/app-scene.ts';
import type { GitHub } from '../../support/forge/github/github.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { startGitHub } from '../../support/forge/github/stand-in.ts';
import { PASSWORD } from '../../support/start-api.ts';
import type { Person } from '../../support/forge/world.ts';
import type { BrowserOptions } from '../../support/web/browser.ts';
import { until } from '../../support/until.ts';

/** How far the ring around a field reaches. */
const RING_PX = 4;

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name });
const sheet = (page: Page) => page.getByRole('dialog');

type Scene = AppScene & { github: GitHub };
type Ends = Parameters<typeof startGitHub>[0];

async function scene(
  t: Ends,
  open: typeof openApp,
  env: Record<string, string> = {},
  browser: BrowserOptions = {},
): Promise<Scene> {
  const github = await startGitHub(t);
  const settings = { ERRAND_GITHUB_ORIGIN: github.origin, ERRAND_PRIVATE_HOSTS: github.host, ...env };
  return { ...(await open(t, browser, settings)), github };
}

/** What is offered as a project or as a recent repository is not offered again among those of the forge. */
async function isOfferedOnce(t: ExecutionContext, { api, github, network, page }: Scene): Promise<void> {
  await api.call('createTask', { body: { prompt: 'Mend it', repo_url: `${github.origin}/ann/blog.git` } });
  await page.goto(`${network.url}/new`);
  await page.locator('.option').first().click();
  await sheet(page).getByText('ann/zoo', { exact: true }).waitFor();
  for (const name of ['shop', 'blog'])
    t.is(await sheet(page).locator('.places li', { hasText: name }).count(), 1, name);
}

test.serial(
  'one button makes a GitHub App; then one links an account, picks a repository, and logs in with it',
  async (t) => {
    t.timeout(120_000);
    const whole = await scene(t, openAppLoggedIn);
    const { github, network, page, faults, server, session } = whole;
    const ann = github.world.addPerson('ann');
    await github.world.addRepository({ owner: ann, name: 'shop' });
    await github.world.addRepository({ owner: ann, name: 'blog', private: true });
    await github.world.addRepository({ owner: ann, name: 'zoo' });
    // Whoever is signed in at GitHub in this browser, and agrees to all.
    github.sign_in.browser = ann;

    await page.goto(`${network.url}/settings/server`);
    await button(page, 'Make a GitHub App').scrollIntoViewIfNeeded();
    await page.getByLabel('Who can sign in with it').selectOption('Others too');
    await button(page, 'Make a GitHub App').click();
    await page.getByText(/^app errand-/).waitFor();
    t.is(page.url(), `${network.url}/settings/server`);
    await page.getByText(/^app errand-/).scrollIntoViewIfNeeded();
    const app = github.apps.apps.at(-1);
    t.true(app?.public);
    if (app) github.apps.install(app, ann);

    await page.goto(`${network.url}/settings`);
    await page.getByRole('link', { name: /Linked accounts/ }).click();
    await button(page, /^Link 127/).click();
    await page.getByText(/· works$/).waitFor();
    t.is(page.url(), `${network.url}/settings/accounts`);

    await page.goto(`${network.url}/new`);
    await page.fill('textarea', 'Make the tests pass');
    await button(page, 'Choose a repository').click();
    await sheet(page).getByText('ann/blog', { exact: true }).waitFor();
    await sheet(page).getByRole('searchbox').fill('sho');
    await sheet(page).getByText('ann/blog', { exact: true }).waitFor({ state: 'detached' });
    await sheet(page)
      .getByRole('button', { name: /ann\/shop/ })
      .last()
      .click();
    await button(page, 'Send').click();
    const names = () => server.db.prepare('SELECT name FROM projects').pluck().all();
    await until('the errand has made its project', () => names().length > 0);
    t.deepEqual(names(), ['shop']);
    await isOfferedOnce(t, whole);

    await breakLink(whole, ann);
    await linkLater(t, whole);
    await page.getByText(/· works$/).waitFor();

    await page.goto(`${network.url}/settings`);
    await button(page, 'Log out').click();
    await sheet(page).getByRole('button', { name: 'Log out' }).click();
    await button(page, /^Continue with 127/).waitFor();
    await button(page, /^Continue with 127/).click();
    await page.getByText('live', { exact: true }).first().waitFor();
    t.is(page.url(), `${network.url}/`);
    await page.goto(`${network.url}/settings`);
    await page.getByText(session.user.email).first().waitFor();
    t.deepEqual(faults, []);
  },
);

/** A log-in of some time ago needs the password. */
async function linkLater(t: ExecutionContext, { page, server, session }: Scene): Promise<void> {
  server.clock.ahead_ms = (LIMITS.fresh_login_s + 1) * 1000;
  await button(page, 'Link again').click();
  const field = sheet(page).getByLabel('Current password');
  const yes = sheet(page).getByRole('button', { name: /^Link 127/ });
  // A password manager is told whose.
  t.is(await sheet(page).locator('input[autocomplete=username]').inputValue(), session.user.email);
  await field.fill('not the one');
  await yes.click();
  const wrong = sheet(page).getByText('Your current password is wrong.');
  await wrong.waitFor();
  const input = await field.boundingBox();
  const below = await wrong.boundingBox();
  t.true(input !== null && below !== null && below.y - (input.y + input.height) >= RING_PX, 'it is clear of the ring');
  await field.fill(PASSWORD);
  await yes.click();
}

/** The link breaks, which git notices first, and is said so. */
async function breakLink({ github, network, page, server, session }: Scene, person: Person): Promise<void> {
  github.apps.revokeAll(person);
  const { access } = server.forge_accounts;
  const credential = await access.gitCredential(session.user.id, `${github.origin}/ann/shop`, undefined);
  await credential?.renew?.(credential.password);
  await page.goto(`${network.url}/new`);
  await button(page, /^(Choose a repository|ann\/shop)/).click();
  await sheet(page)
    .getByText(/Link the account again/)
    .waitFor();
  await page.goto(`${network.url}/settings/accounts`);
  await page.getByText(/Link the account again/).waitFor();
}

const APP = { ERRAND_GITHUB_CLIENT_ID: 'Iv1.abc', ERRAND_GITHUB_CLIENT_SECRET: 'secret' };

test.serial('why an account was not linked is told in the language of the person', async (t) => {
  t.timeout(90_000);
  const { network, page } = await scene(t, openAppLoggedIn, APP, { locale: 'de-DE' });
  await page.goto(`${network.url}/settings/accounts`);
  for (const [code, detail, words] of [
    ['wrong_credentials', 'Your account has no password.', /^Dein Konto hat kein Passwort, .* melde dich neu an/],
    ['conflict', 'You have 20 accounts.', 'Der Server sagt: „You have 20 accounts.“'],
    ['link_invalid', 'It is over.', 'Der Server sagt: „It is over.“'],
    ['upstream_unreachable', 'It is away.', 'Der Server sagt: „It is away.“'],
    ['not_found', 'There is none.', 'Das gibt es nicht oder nicht mehr.'],
  ] as const) {
    const problem = JSON.stringify({ type: 'about:blank', title: 'No', status: 409, code, detail });
    await page.route(/\/links\/ways\/[^/]+\/start$/, (route) =>
      route.fulfill({ status: 409, contentType: 'application/problem+json', body: problem }),
    );
    await button(page, /verknüpfen$/).click();
    await page.getByText(words).waitFor();
    await page.unrouteAll();
  }
  t.pass();
});

test.serial('who comes back without having begun, or refuses, is told so and gets on', async (t) => {
  t.timeout(90_000);
  const { github, network, page, faults } = await scene(t, openApp, APP);
  await page.goto(`${network.url}/signed-in?code=stolen&state=of-somebody`);
  await page.getByText(/begun in another browser/).waitFor();
  t.is(page.url(), `${network.url}/signed-in`);
  await button(page, 'Back').click();
  await button(page, /^Continue with 127/).waitFor();
  // A password still does.
  await page.fill('input[name=email]', 'person1@example.org');
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.getByText('live', { exact: true }).first().waitFor();
  t.truthy(github);
  t.deepEqual(faults, []);
});

test.serial('where nobody can sign in elsewhere yet, the owner is led to where that is set up', async (t) => {
  t.timeout(60_000);
  const { network, page, faults } = await openAppLoggedIn(t);
  await page.goto(`${network.url}/settings/accounts`);
  await page.getByRole('link', { name: 'Set it up' }).click();
  await page.waitForURL(/settings\/server$/);
  t.deepEqual(faults, []);
});

test.serial('an invitation that was used on the way through a forge is put aside', async (t) => {
  t.timeout(90_000);
  const { api, github, network, page, faults } = await scene(t, openApp, APP);
  const bea = github.world.addPerson('bea');
  github.sign_in.browser = bea;
  const { ERRAND_GITHUB_CLIENT_ID: client_id, ERRAND_GITHUB_CLIENT_SECRET: client_secret } = APP;
  const callback_urls = [`${network.url}/signed-in`];
  github.apps.addApp(bea, { name: 'errand', client_id, client_secret, public: true, callback_urls });
  const { fragment } = await api.call('createInvite', { body: {} });
  await page.goto('about:blank');
  await page.goto(`${network.url}/#${fragment}`);
  await page.getByRole('heading', { name: 'Join this server' }).waitFor();
  await button(page, /^Continue with 127/).click();
  await page.getByText('live', { exact: true }).first().waitFor();
  await page.goto(`${network.url}/settings`);
  await page.getByText('live', { exact: true }).first().waitFor();
  t.is(await page.getByText('The link makes a new account').count(), 0);
  await button(page, 'Log out').click();
  await sheet(page).getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('heading', { name: 'Errand', exact: true }).waitFor();
  t.is(await page.getByRole('heading', { name: 'Join this server' }).count(), 0);
  t.deepEqual(faults, []);
});
