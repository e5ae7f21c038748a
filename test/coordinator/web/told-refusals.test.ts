import test from 'ava';
import { speakOfScreens } from '../../../coordinator/web/strings/screen-strings.ts';
import { gitHubOf, openedPull } from '../../support/forge/opened-pull.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { PHONE } from '../../support/web/browser.ts';

const GERMAN = { size: PHONE, locale: 'de-DE' };

test('a reason of the server is told in German; what only a newer server knows is left to its own words', async (t) => {
  const [de, en] = await Promise.all(['de-DE', 'en'].map(speakOfScreens));
  const { refusal } = de ?? t.fail();
  t.is(refusal({ reason: 'merge_review', params: { base: 'main' } }), 'main verlangt ein Review, das noch fehlt.');
  const params = { base: 'main', said: 'github.com answered 405: Waiting on code owner review from ada.' };
  t.is(
    refusal({ reason: 'merge_review', params }),
    'main verlangt ein Review, das noch fehlt. „github.com answered 405: Waiting on code owner review from ada.“',
  );
  t.is(refusal({ reason: 'too_long', params: { max: '100' } }), 'Zu lang: höchstens 100 Zeichen');
  t.is(refusal({ reason: 'not_known_yet', params: {} }), undefined);
  t.is(refusal({ reason: 'constructor' }), undefined);
  t.is(refusal({}), undefined);
  t.is(en?.refusal({ reason: 'merge_review' }), undefined);
});

test.serial('a refused merge says why in German', async (t) => {
  t.timeout(60_000);
  const { github, env } = await gitHubOf(t);
  const app = await openAppLoggedIn(t, GERMAN, env);
  const { id, repository, head, issue } = await openedPull(app, github, {});
  const { page, network } = app;
  await page.goto(`${network.url}/errands/${id}`);
  const card = page.locator('.pull-card');
  const sheet = page.getByRole('dialog');
  const squash = sheet.getByRole('button', { name: 'Squash' });
  repository.requires.add('review');
  await card.getByRole('button', { name: 'Mergen' }).click();
  await squash.waitFor();
  await squash.click();
  await card.getByText('main verlangt ein Review, das noch fehlt.').waitFor();

  await card.getByRole('button', { name: 'Mergen' }).click();
  await squash.waitFor();
  await github.push(repository, head, { 'b.txt': 'b' });
  await squash.click();
  await card.getByText('Jemand hat neue Commits auf den Branch gepusht').waitFor();
  t.false(issue.pull.merged);
});

test.serial('what is wrong with a form is told in German, and once', async (t) => {
  t.timeout(60_000);
  const { page, network } = await openAppLoggedIn(t, GERMAN);
  await page.goto(`${network.url}/settings/projects/new`);
  await page.locator('input[name=name]').fill('shop');
  await page.locator('input[name=repo_url]').fill('https://example.org/ann/shop');
  await page.locator('textarea[name=secrets]').fill('not good=2');
  await page.getByRole('button', { name: 'Speichern' }).click();
  await page.locator('.wrong .fault', { hasText: 'not good: Schreib NAME=Wert' }).waitFor();
  t.is(await page.locator('form > .fault').textContent(), '');

  await page.goto(`${network.url}/settings/schedules/new`);
  await page.getByRole('button', { name: 'Cron' }).click();
  const cron = page.locator('.timing input.mono');
  await cron.fill('kaputt');
  await page.getByText('Fünf Felder: Minute, Stunde, Tag des Monats, Monat, Wochentag', { exact: true }).waitFor();
  await cron.fill('* * * * *');
  await page.getByText(/^Das ist zu oft: höchstens alle \d+ Minuten$/).waitFor();

  await page.goto(`${network.url}/settings/notifications`);
  await page.getByRole('button', { name: /Webhook/ }).click();
  const sheet = page.getByRole('dialog');
  await sheet.locator('input[name=url]').fill('http://example.org/hook');
  await sheet.locator('button[type=submit]').click();
  await sheet.getByText('Die Adresse muss mit https:// beginnen', { exact: true }).waitFor();
});

test.serial('whoever answers second reads what was answered, and when, on the clock of the device', async (t) => {
  t.timeout(60_000);
  const { api, page, network } = await openAppLoggedIn(t, GERMAN);
  const { id } = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'https://example.org/one.git' } });
  const params = { answer: 'Ja, bitte', by: 'Chrome, Linux', at: new Date().toISOString() };
  const why = { code: 'conflict', detail: 'In English.', reason: 'already_answered', params };
  const problem = { type: 'about:blank', title: 'conflict', status: 409, ...why };
  const refusal = { status: 409, contentType: 'application/problem+json', body: JSON.stringify(problem) };
  await page.route(/\/messages$/, (route) => route.fulfill(refusal));
  await page.goto(`${network.url}/errands/${id}`);
  const composer = page.locator('textarea.composer-field');
  await composer.fill('Nein');
  await composer.press('ControlOrMeta+Enter');
  await page.getByText(/schon beantwortet: „Ja, bitte“ von Chrome, Linux \(\d\d:\d\d\)/).waitFor();
  t.pass();
});
