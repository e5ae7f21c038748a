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
    const body = page.locator('.inbox .body');
    await until('its last row is there', async () => {
      await body.evaluate((list) => list.scrollBy(0, 400));
      return (await row(page, 'Errand 0.').count()) > 0;
    });
    await act(page, 'Errand 0.', 'Archive');
    await isIn(page, 'Errand 1.');
    await until('its first rows are there', async () => {
      await body.evaluate((list) => list.scrollBy(0, -400));
      return (await row(page, 'Errand 199.').count()) > 0;
    });
    await row(page, 'Errand 197.').locator('a').focus();
    await until('it is out of the page', async () => {
      await body.evaluate((list) => list.scrollBy(0, 60));
      return (await row(page, 'Errand 197.').count()) === 0;
    });
    t.is(await focused(page), 'body');
    t.deepEqual(faults, []);
  },
);

test.serial('no letter that was meant for a field that is gone is a shortcut', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: DESK });
  const errand = await asks(server, api, 'Lamp');
  await page.goto(`${network.url}/errands/${errand.id}`);
  const talk = page.locator('.talk');
  await talk.locator('.decision textarea').click();
  await page.keyboard.type('Then ');
  await answerElsewhere(api, errand);
  await talk.locator('.decision').waitFor({ state: 'detached' });
  await page.keyboard.type('check both', { delay: 50 });
  t.is(new URL(page.url()).pathname, `/errands/${errand.id}`);
  t.is(await page.getByRole('dialog').count(), 0);
  t.deepEqual(faults, []);
});

test.serial('whoever is done with a field has the shortcuts at once', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: DESK });
  const fresh = page.locator('.fresh textarea.prompt');
  const cancel = page.getByRole('button', { name: 'Cancel' });
  for (const leave of [() => cancel.click(), () => cancel.focus().then(() => page.keyboard.press('Enter'))]) {
    await page.goto(`${network.url}/new`);
    await fresh.click();
    await page.keyboard.type('Then check');
    await leave();
    await fresh.waitFor({ state: 'detached' });
    await page.keyboard.press('c');
    await fresh.waitFor();
  }

  for (const [name, key] of [
    ['Lamp', 'Enter'],
    ['Chair', 'Control+Enter'],
  ] as const) {
    const errand = await asks(server, api, name);
    await page.goto(`${network.url}/errands/${errand.id}`);
    const field = page.locator('.talk .decision textarea');
    await field.click();
    await page.keyboard.type('Up');
    await page.keyboard.press(key);
    await field.waitFor({ state: 'detached' });
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  }
  t.deepEqual(faults, []);
});

test.serial('no key that was meant for a button that is gone opens a link that the agent wrote', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: DESK });
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.say('See [the shop](https://example.org/shop) first.');
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.locator('.talk').getByRole('link', { name: 'the shop' }).waitFor();
  const files = ['one', 'two'].map((name) => ({
    name: `${name}.txt`,
    mimeType: 'text/plain',
    buffer: Buffer.from('x'),
  }));
  await page.locator('form.composer input[type=file]').first().setInputFiles(files);
  await page.getByRole('button', { name: 'Remove two.txt' }).waitFor();
  for (const name of ['one', 'two']) {
    await page.getByRole('button', { name: `Remove ${name}.txt` }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: `Remove ${name}.txt` }).waitFor({ state: 'detached' });
    t.is(await focused(page), 'screen');
  }

  await page.getByRole('button', { name: 'Stop' }).last().focus();
  errand.fail('agent_error');
  await page.getByRole('button', { name: 'Try again' }).first().waitFor();
  t.is(await focused(page), 'screen');
  t.deepEqual(faults, []);
});

test.serial('in a sheet the focus stays in the sheet when what has it goes', async (t) => {
  t.timeout(60_000);
  const { api, page, network, faults } = await openAppLoggedIn(t, { size: DESK });
  await page.goto(`${network.url}/settings`);
  await page.getByRole('button', { name: 'Add a phone' }).click();
  const code = /#login=(.+)$/.exec((await page.locator('.link-text').textContent()) ?? '')?.[1] ?? '';
  await page.locator('dialog .choice.main').focus();
  await api.call('linkLogin', { body: { code } });
  await page.getByText('The other device is logged in.').waitFor();
  await page.locator('dialog:focus').waitFor();
  t.deepEqual(faults, []);
});

test.serial('whoever scrolls with a finger has not left the field', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t);
  const errand = await asks(server, api, 'Lamp');
  for (let i = 0; i < 30; i++) errand.say(`Line ${i}.`);
  await page.goto(`${network.url}/errands/${errand.id}`);
  const decision = page.locator('.talk .decision');
  await decision.locator('textarea').click();
  const touch = await page.context().newCDPSession(page);
  const scroll = { x: 180, y: 250, yDistance: 60, gestureSourceType: 'touch' } as const;
  await touch.send('Input.synthesizeScrollGesture', scroll);
  await answerElsewhere(api, errand);
  await decision.waitFor({ state: 'detached' });
  t.is(await focused(page), 'screen');
  t.deepEqual(faults, []);
});

test.serial('no field comes under an open question because what is beside it has the focus', async (t) => {
  t.timeout(60_000);
  const { server, api, page, network, faults } = await openAppLoggedIn(t, { size: DESK });
  const errand = await asks(server, api, 'Lamp');
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.locator('.talk .decision').waitFor();
  await page.getByRole('button', { name: 'Stop' }).last().focus();
  errand.spend(0.5);
  await page.getByText('$0.50 of').waitFor();
  t.is(await page.locator('.composer textarea').count(), 0);
  t.deepEqual(faults, []);
});

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
