import test from 'ava';
import type { Page } from 'playwright-core';
import { openNeeds } from '../../../protocol/task.ts';
import { time } from '../../support/dispatching.ts';
import { sendErrand } from '../../support/send-errand.ts';
import type { Api } from '../../support/api.ts';
import type { StartedApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { logIn, openApp, openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK } from '../../support/web/browser.ts';
import { addErrands } from '../../support/many-errands.ts';
import { eventsOf } from '../../support/events-of.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const row = (page: Page, name: string) => page.locator('.task', { hasText: name });
/** Whether the focus is in this row. */
const isIn = (page: Page, name: string) =>
  until(`the focus is at ${name}`, () => row(page, name).evaluate((one) => one.contains(document.activeElement)));

async function done(server: StartedApi, api: Api, prompt: string): Promise<void> {
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt }));
  errand.begin();
  errand.succeed({ summary: `Summary of: ${prompt}` });
}

async function asks(server: StartedApi, api: Api, prompt: string): Promise<LivelyErrand> {
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt }));
  errand.begin();
  errand.ask('Which?', ['Up', 'Down']);
  return errand;
}

async function act(page: Page, name: string, choice: string): Promise<void> {
  await page.getByRole('button', { name: `Actions: ${name}` }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByRole('button', { name: choice }).focus();
  await page.keyboard.press('Enter');
}

test.serial('the focus goes on at the next errand when one was archived, deleted or answered', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t, { size: DESK });
  for (const name of ['Oldest', 'Older', 'Newer', 'Newest']) await done(server, api, name);
  await page.getByText('Summary of: Newest').waitFor();
  await act(page, 'Newest', 'Archive');
  await isIn(page, 'Newer');
  await act(page, 'Newer', 'Delete');
  const confirm = page.getByRole('dialog', { name: 'Delete this errand?' });
  await confirm.getByText('Newer', { exact: true }).waitFor();
  await confirm.getByRole('button', { name: 'Delete' }).focus();
  await page.keyboard.press('Enter');
  await isIn(page, 'Older');
  await act(page, 'Oldest', 'Archive');
  await isIn(page, 'Older');

  const [, first] = await Promise.all(['Second', 'First'].map((name) => asks(server, api, name)));
  await row(page, 'First').getByRole('button', { name: 'Up' }).focus();
  await page.keyboard.press('Enter');
  await row(page, 'First').locator('.decision').waitFor({ state: 'detached', timeout: 30_000 });
  await isIn(page, 'First');
  first?.succeed({});
  await isIn(page, 'Second');
  t.deepEqual(faults, []);
});

/** What has the focus: its name, or else what it is. */
const focused = (page: Page) =>
  page.evaluate(() => {
    const { activeElement: one } = document;
    return one?.matches('.screen, body') ? (one.classList[0] ?? one.localName) : one?.textContent;
  });

/** Answers the decision on another device. */
async function answerElsewhere(api: Api, { id }: LivelyErrand): Promise<void> {
  const [need] = openNeeds(await api.call('getTask', { params: { id } }));
  await api.call('answerNeed', { params: { id, need_id: need?.id ?? '' }, body: { choose: ['1'] } });
}

test.serial('the focus of a decision that another device answers goes on where no key answers another', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t, { size: DESK });
  const [third, second, first] = [
    await asks(server, api, 'Third'),
    await asks(server, api, 'Second'),
    await asks(server, api, 'First'),
  ];
  await asks(server, api, 'Fourth');
  const isAnswered = (name: string) => row(page, name).locator('.decision').waitFor({ state: 'detached' });
  await row(page, 'First').getByRole('button', { name: 'Up' }).focus();
  await answerElsewhere(api, first);
  await isAnswered('First');
  t.regex((await focused(page)) ?? '', /First/, 'a choice: its errand');

  await row(page, 'Second').locator('.decision textarea').fill('Ups');
  await answerElsewhere(api, second);
  await isAnswered('Second');
  t.is(await focused(page), 'screen', 'a field: the screen');

  await row(page, 'Third').getByRole('button', { name: 'Up' }).focus();
  await page.locator('.inbox h1').click();
  const before = await focused(page);
  await answerElsewhere(api, third);
  await isAnswered('Third');
  t.is(await focused(page), before, 'one that was left: nothing');
  t.deepEqual(faults, []);
});

test.serial(
  'in a long list the focus goes on from a row that was archived, and not from one that scrolled away',
  async (t) => {
    t.timeout(120_000);
    const scene = await openApp(t, { size: DESK });
    const { server, session, page, faults } = scene;
    addErrands(server.log, session.user.id, 200, (i) => ({
      title: `Errand ${i}.`,
      status: 'cancelled',
      ended_at: time(-1000 * (200 - i)),
    }));
    await logIn(scene);
    await page.locator('.rows.long .task', { hasText: 'Errand 199.' }).waitFor();
    await act(page, 'Errand 198.', 'Archive');
    await isIn(page, 'Errand 197.');
    await row(page, 'Errand 197.').locator('a').focus();
    await until('it is out of the page', async () => {
      await page.locator('.inbox .body').evaluate((body) => body.scrollBy(0, 60));
      return (await row(page, 'Errand 197.').count()) === 0;
    });
    t.is(await focused(page), 'body');
    t.deepEqual(faults, []);
  },
);

test.serial('the focus stays in the field that one sent from when the agent asks', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: DESK });
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  await page.goto(`${network.url}/errands/${errand.id}`);
  const field = page.locator('textarea.composer-field');
  await field.fill('Mend the lamp');
  await field.press('Control+Enter');
  // One that came after the question would be its answer.
  const has_come = async () => (await eventsOf(api, errand.id)).some(({ type }) => type === 'message.received');
  await until('it has come', has_come);
  t.is(await field.inputValue(), '');
  errand.ask('Which?', ['Up', 'Down']);
  await page.locator('.talk .decision').waitFor();
  await page.keyboard.type('The one in the hall');
  t.is(await field.inputValue(), 'The one in the hall');
  t.deepEqual(faults, []);
});
