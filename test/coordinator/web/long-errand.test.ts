import test from 'ava';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';

test.serial('a long errand opens at its end with one page, and what is above comes while one scrolls up', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  for (let n = 0; n < 450; n++) errand.say(`Line ${n}.`);
  const asked: string[] = [];
  page.on('request', (request) => {
    const url = new URL(request.url());
    if (url.pathname.endsWith('/events')) asked.push(url.search);
  });
  await page.getByRole('link', { name: /Fix it/ }).click();
  await page.getByText('Line 449.').waitFor();
  t.is(asked.length, 1);
  t.regex(asked[0] ?? '', /before=/);
  t.is(await page.getByText('Line 10.', { exact: true }).count(), 0);
  const list = page.locator('.talk');
  await until('the first line is there', async () => {
    await list.hover();
    await page.mouse.wheel(0, -3_000);
    return (await page.getByText('Line 0.', { exact: true }).count()) === 1;
  });
  t.is(asked.length, 5, 'each page once');
  const texts = (await list.locator('li.said').allInnerTexts()).map((text) => text.trim());
  t.true(texts.length >= 200);
  t.deepEqual(
    texts,
    Array.from({ length: texts.length }, (_, n) => `Line ${n}.`),
  );
  await until('it is at its beginning', async () => (await list.locator('div.more-rows').count()) === 1);
  const row = await list.getByText('Line 200.', { exact: true }).elementHandle();
  await until('the last line is there', async () => {
    await page.mouse.wheel(0, 3_000);
    return (await page.getByText('Line 449.', { exact: true }).count()) === 1;
  });
  t.true(await row?.evaluate((element) => element.isConnected), 'a row that stays is not drawn anew');
  t.deepEqual(faults, []);
});

test.serial('one touch leads to the sentence that a long errand began with, and one back to its end', async (t) => {
  t.timeout(120_000);
  const { server, api, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  for (let n = 0; n < 1_000; n++) errand.say(`Line ${n}.`);
  await page.getByRole('link', { name: /Fix it/ }).click();
  await page.getByText('Line 999.').waitFor();
  const list = page.locator('.talk');
  const ways = page.getByRole('button', { name: /^To the / });
  t.is(await ways.count(), 0, 'the reader has not moved yet');
  await list.hover();
  await page.mouse.wheel(0, -300);
  await page.getByRole('button', { name: 'To the beginning' }).click();
  await page.locator('.mine').filter({ visible: true }).waitFor();
  await until('it is at its top', () => list.evaluate(({ scrollTop }) => scrollTop === 0));
  t.true(await page.getByText('Line 0.', { exact: true }).isVisible());
  t.true(await list.evaluate((element) => element === document.activeElement), 'the keys go on in the list');
  t.is(await page.getByRole('button', { name: 'To the beginning' }).count(), 0);
  errand.say('Line 1000.');
  await page.getByRole('button', { name: 'To the end' }).click();
  await page.getByText('Line 1000.').waitFor();
  await until('its end is followed', async () => (await ways.count()) === 0);
  t.deepEqual(faults, []);
});

test.serial('whoever goes back to the end on the way to the beginning stays there', async (t) => {
  t.timeout(120_000);
  const { server, api, page } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  for (let n = 0; n < 1_000; n++) errand.say(`Line ${n}.`);
  await page.getByRole('link', { name: /Fix it/ }).click();
  await page.getByText('Line 999.').waitFor();
  const pages: (() => void)[] = [];
  await page.route(/\/events\?/, async (route) => {
    await new Promise<void>((resolve) => pages.push(resolve));
    await route.continue();
  });
  await page.locator('.talk').hover();
  await page.mouse.wheel(0, -300);
  await page.getByRole('button', { name: 'To the beginning' }).click();
  await until('a page is asked for', () => pages.length === 1);
  await page.getByRole('button', { name: 'To the end' }).click();
  const answered = page.waitForResponse(/\/events\?/);
  pages[0]?.();
  await answered;
  errand.say('Line 1000.');
  await page.getByText('Line 1000.').waitFor();
  t.is(await page.getByText('Line 0.', { exact: true }).count(), 0);
  t.is(pages.length, 1, 'no further page is read');
});

test.serial('the way to the beginning says why it ends, and goes on from there', async (t) => {
  t.timeout(120_000);
  const { server, api, page, network } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  for (let n = 0; n < 1_000; n++) errand.say(`Line ${n}.`);
  await page.getByRole('link', { name: /Fix it/ }).click();
  await page.getByText('Line 999.').waitFor();
  await page.locator('.talk').hover();
  await page.mouse.wheel(0, -300);
  const way = page.getByRole('button', { name: 'To the beginning' });
  await way.waitFor();
  network.offline = true;
  network.cut();
  await way.click();
  await page.locator('.ends').getByRole('alert').getByText('The server cannot be reached now.').waitFor();
  network.offline = false;
  await way.click();
  await page.locator('.mine').filter({ visible: true }).waitFor();
  t.is(await page.locator('.ends').getByRole('alert').count(), 0);
});

test.serial('what is read at stays where it is while earlier rows come in above', async (t) => {
  t.timeout(120_000);
  const { server, api, page } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  for (let n = 0; n < 220; n++) errand.say(`Line ${n}.`);
  await page.getByRole('link', { name: /Fix it/ }).click();
  await page.getByText('Line 219.').waitFor();
  const list = page.locator('.talk');
  const row = page.getByText('Line 150.', { exact: true });
  await row.evaluate((element) => element.scrollIntoView({ block: 'start' }));
  await until('the list has noticed', async () => (await page.locator('.ends').count()) === 1);
  const top = () => row.evaluate((element) => element.getBoundingClientRect().top);
  const before = await top();
  const rows = await list.locator('li').count();
  await page
    .locator('.more-rows')
    .first()
    .evaluate((element) => (element as HTMLButtonElement).click());
  await until('earlier rows are there', async () => (await list.locator('li').count()) > rows);
  t.true(Math.abs((await top()) - before) <= 2);
});

test.serial(
  'a search finds what this device does not know, and an errand is new until it was looked at anywhere',
  async (t) => {
    t.timeout(120_000);
    const { server, api, page, faults } = await openAppLoggedIn(t);
    const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Réparer le parseur' }));
    const other = new LivelyErrand(server, await sendErrand(api, { prompt: 'Something else' }));
    errand.begin();
    errand.succeed({});
    other.begin();
    other.succeed({});
    const dot = (name: string) => page.locator('.task', { hasText: name }).locator('.dot');
    await until('both are new', async () => (await page.locator('.task .dot').count()) === 2);
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByRole('searchbox').fill('reparer pars');
    await until('it is found', async () => (await page.locator('.task').count()) === 1);
    await page.getByRole('link', { name: /Réparer/ }).click();
    await until('the server knows that it was read', async () => {
      const { unread } = await api.call('getTask', { params: { id: errand.id } });
      return unread === false;
    });
    const { newest_event_id: event_id = 0 } = await api.call('getTask', { params: { id: other.id } });
    await api.call('markRead', { params: { id: other.id }, body: { event_id } });
    await page.goBack();
    // The search is still open.
    await page.getByRole('button', { name: 'Search' }).click();
    await page.getByText('Something else').first().waitFor();
    await until('neither is new', async () => (await page.locator('.task .dot').count()) === 0);
    t.is(await dot('Something else').count(), 0, 'read on another device');
    t.deepEqual(faults, []);
  },
);
