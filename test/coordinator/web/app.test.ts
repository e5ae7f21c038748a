import test from 'ava';
import type { Page } from 'playwright-core';
import { eventsOf } from '../../support/events-of.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { openApp, openAppLoggedIn } from '../../support/web/app-scene.ts';
import { openBrowser, SIZES } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import { write } from './by-keyboard.ts';
import { draftIsKept } from './kept-draft.ts';

const DIFF = `diff --git a/a.ts b/a.ts
index 1111111..2222222 100644
--- a/a.ts
+++ b/a.ts
@@ -1,2 +1,3 @@
 const a = 1;
-const b = 2;
+const b = 3;
+const c = 4;
`;

const said = async (api: Parameters<typeof eventsOf>[0], id: string) =>
  (await eventsOf(api, id)).filter(({ type }) => type === 'message.received').map(({ body }) => body.text);
const composer = (page: Page) => page.locator('textarea.composer-field');
const label = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

for (const [name, size] of SIZES)
  test.serial(
    `on a ${name}: send an errand, watch it, open a tool call, say something, answer, comment, stop`,
    async (t) => {
      t.timeout(120_000);
      const { server, api, page, faults } = await openAppLoggedIn(t, { size });
      await label(page, 'Send the sample errand').click();
      const task = await until('it is sent', async () => (await api.call('listTasks', {})).items[0]);
      const errand = new LivelyErrand(server, task);
      await page.getByRole('link', { name: /Make the tests pass/ }).click();
      errand.begin();
      const ref = errand.startTurn();
      await until('the text streams', async () => {
        errand.write(ref, 'The shares do ');
        return page.getByText('The shares do').isVisible();
      });
      errand.say('The shares do **not** add up.', ref);
      await page.getByText('add up.').waitFor();
      t.is(await page.locator('.talk strong').textContent(), 'not');

      errand.tool('run_command', { command: 'npm test' }, 'one\n\u001b[31mtwo\u001b[0m', { exit_code: 1 });
      await page.locator('.call', { hasText: 'npm test' }).click();
      t.is(await page.locator('.out .ansi-red').textContent(), 'two');

      await page.getByPlaceholder('Say something…').fill('Leave the health check alone.');
      await label(page, 'Send').last().click();
      await page.getByText('heard at the next tool call').waitFor();
      t.deepEqual(await said(api, task.id), ['Leave the health check alone.']);

      errand.ask('Which rounding?');
      await page.getByPlaceholder('Answer…').last().fill('Up');
      await label(page, 'Send the answer').last().click();
      await until('the answer has come', async () => (await said(api, task.id)).includes('Up'));

      errand.succeed({ diff_stat: { files: 1, insertions: 2, deletions: 1 } }, DIFF);
      await page
        .getByRole('link', { name: /^Changes/ })
        .first()
        .click();
      for (const [i, words] of ['Why three?', 'Remove this.'].entries()) {
        await page.locator('.line-of.added').nth(i).click();
        await page.locator('.note-on-line textarea').fill(words);
        await label(page, 'Add comment').click();
      }
      await label(page, 'Send 2 comments').click();
      const message = await until('the comments have come', async () => (await said(api, task.id))[2]);
      t.is(
        message,
        'Comments on your changes:\n\na.ts, line 2:\n> const b = 3;\n\nWhy three?\n\na.ts, line 3:\n> const c = 4;\n\nRemove this.',
      );

      errand.begin();
      await label(page, 'Stop').click();
      await page.getByRole('dialog').getByRole('button', { name: 'Stop' }).click();
      await until('it is being stopped', async () => {
        const { cancel_reason, status } = await api.call('getTask', { params: { id: task.id } });
        return cancel_reason !== null || status === 'cancelled';
      });
      t.deepEqual(faults, []);
    },
  );

test.serial(
  'without a network what was seen opens in a new browser, and what was written and answered arrives once and in order',
  async (t) => {
    t.timeout(120_000);
    const profile = await temporaryFolder(t);
    const before = await openAppLoggedIn(t, { profile });
    const { server, network, api } = before;
    const errand = new LivelyErrand(server, await sendErrand(api));
    errand.begin();
    errand.say('Seen before the tunnel.');
    errand.ask('Which rounding?', ['Up', 'Down']);
    await before.page.getByRole('link', { name: /Fix it/ }).click();
    await label(before.page, 'Down').waitFor();
    // The app is on the device once its worker controls the page.
    await before.page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');

    network.offline = true;
    network.cut();
    await before.page.locator('.live.off').waitFor();
    await label(before.page, 'Down').click();
    for (const text of ['first', 'second']) {
      await composer(before.page).fill(text);
      await label(before.page, 'Send').last().click();
      await before.page.locator('.unsent', { hasText: text }).waitFor();
    }
    await composer(before.page).fill('half a sent');
    await before.page.locator('.live.off', { hasText: /since/ }).waitFor();
    await draftIsKept(before.page, 'half a sent');
    await before.context.close();

    const { page, faults } = await (await openBrowser(t, { profile })).open();
    await page.goto(`${network.url}/errands/${errand.id}`);
    await page.getByText('Seen before the tunnel.').waitFor();
    for (const text of ['first', 'second']) await page.locator('.unsent', { hasText: text }).waitFor();
    await until('the draft is there', async () => (await composer(page).inputValue()) === 'half a sent');

    errand.say('Said while away.');
    network.offline = false;
    await page.evaluate(() => window.dispatchEvent(new Event('online')));
    await page.getByText('live', { exact: true }).waitFor();
    await page.getByText('Said while away.').waitFor();
    await until('all have come', async () => (await said(api, errand.id)).length >= 3);
    t.deepEqual(await said(api, errand.id), ['Down', 'first', 'second']);
    await until('each shows once', async () => (await page.locator('.unsent').count()) === 0);
    t.is(await page.locator('.mine', { hasText: 'first' }).count(), 1);
    t.deepEqual([...before.faults, ...faults], []);
  },
);

const HOSTILE = `<img src=x onerror="document.title='owned'"><script>document.title='owned'</script> \u202Egnp.exe \u001b[2J [x](javascript:alert(1)) <iframe src="https://example.org"></iframe>`;

test.serial('text full of HTML, script, bidi controls and escapes changes nothing but itself', async (t) => {
  t.timeout(60_000);
  const { server, api, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: HOSTILE }));
  errand.begin();
  errand.plan([HOSTILE.slice(0, 250), 'in_progress']);
  errand.say(`${HOSTILE}\n\n# ${HOSTILE}\n\n\`\`\`\n${HOSTILE}\n\`\`\`\n\n| ${HOSTILE} |\n|-|\n| ${HOSTILE} |`);
  errand.tool('run_command', { command: HOSTILE }, HOSTILE, { exit_code: 1 });
  errand.ask(HOSTILE);
  const diff = DIFF.replaceAll('a.ts', '<b>a.ts').replaceAll('const', HOSTILE.replaceAll('\u001b', ''));
  await page.goto(`${new URL(page.url()).origin}/errands/${errand.id}`);
  await page.locator('.call').last().click();
  await page.locator('.decision').waitFor();
  errand.succeed({ summary: HOSTILE, diff_stat: { files: 1, insertions: 2, deletions: 1 } }, diff);
  await page
    .getByRole('link', { name: /^Changes/ })
    .first()
    .click();
  await page.locator('.line-of').first().waitFor();
  await page.goBack();
  await page.goBack();
  t.is(await page.locator('img, iframe, a[href^="javascript:"], #app script').count(), 0);
  t.notRegex(await page.title(), /^owned/);
  t.deepEqual(faults, []);
});

test.serial(
  'what one reads stays where it is while more arrives, and the end is followed again at the end',
  async (t) => {
    t.timeout(60_000);
    const { server, api, page } = await openAppLoggedIn(t);
    const errand = new LivelyErrand(server, await sendErrand(api));
    errand.begin();
    for (let i = 0; i < 60; i++) errand.say(`Line ${i}. ${'It goes on. '.repeat(i % 7)}`);
    await page.getByRole('link', { name: /Fix it/ }).click();
    await page.getByText('Line 59.').waitFor();
    const distance = () =>
      page.locator('.talk').evaluate((talk) => talk.scrollHeight - talk.scrollTop - talk.clientHeight);
    await until('it opens at its end', async () => (await distance()) < 2);
    await page.locator('.talk').evaluate((talk) => talk.scrollBy(0, -900));
    await page.getByRole('button', { name: 'To the end' }).waitFor();
    const top = () => page.getByText('Line 45.').evaluate((row) => row.getBoundingClientRect().top);
    const before = await top();
    for (let i = 60; i < 80; i++) errand.say(`Line ${i}.`);
    await page.getByText('20 new').waitFor();
    t.true(Math.abs((await top()) - before) <= 2);
    await page.getByRole('button', { name: 'To the end' }).click();
    errand.say('The last line.');
    await page.getByText('The last line.').waitFor();
    await until('it follows the end', async () => (await distance()) < 2);
  },
);

for (const [name, size] of SIZES)
  test.serial(`on a ${name}, by keyboard alone: the link of the server signs up with its code`, async (t) => {
    t.timeout(60_000);
    const { network, page } = await openApp(t, { size });
    await page.goto('about:blank');
    await page.goto(`${network.url}/#setup=0123456789abcdef`);
    await page.getByRole('heading', { name: 'Set up your server' }).waitFor();
    t.false(page.url().includes('0123456789abcdef'), 'the code stays in no address');
    await page.reload();
    await page.getByRole('heading', { name: 'Set up your server' }).waitFor();
    await write(page, page.locator('input[name=email]'), 'owner@example.org');
    await write(page, page.locator('input[name=password]'), 'correct horse battery');
    const sent = page.waitForRequest('**/auth/signup');
    await page.keyboard.press('Enter');
    t.is((await sent).postDataJSON().setup_code, '0123456789abcdef');
  });

test.serial('a log-in that was ended elsewhere asks for a new one, and keeps what was written', async (t) => {
  t.timeout(60_000);
  const { api, server, session, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  await page.getByRole('link', { name: /Fix it/ }).click();
  await page.getByPlaceholder('Say something…').fill('half a sent');
  await draftIsKept(page, 'half a sent');
  const { items } = await api.call('listSessions', {});
  const [own] = items.filter(({ user_agent }) => user_agent?.startsWith('Mozilla/'));
  await api.call('deleteSession', { params: { id: own?.id ?? '' } });
  await page.getByText('Your log-in has ended.').waitFor();
  t.is(await page.inputValue('input[name=email]'), session.user.email);
  await page.fill('input[name=password]', PASSWORD);
  await page.click('button[type=submit]');
  await page.getByPlaceholder('Say something…').waitFor();
  await until('the draft is there', async () => {
    return (await page.getByPlaceholder('Say something…').inputValue()) === 'half a sent';
  });
  t.deepEqual(faults, []);
});

test.serial('what waits for the network can be taken back', async (t) => {
  t.timeout(60_000);
  const { api, server, network, page } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  await page.getByRole('link', { name: /Fix it/ }).click();
  network.offline = true;
  network.cut();
  await page.locator('.live.off').waitFor();
  await page.getByPlaceholder('Say something…').fill('Never mind');
  await label(page, 'Send').last().click();
  await label(page, 'Take back').click();
  await until('it is gone', async () => (await page.locator('.unsent').count()) === 0);
  network.offline = false;
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await page.getByText('live', { exact: true }).waitFor();
  t.deepEqual(await said(api, errand.id), []);
});

test.serial('a person who reads German reads German', async (t) => {
  t.timeout(60_000);
  const { page } = await openApp(t, { locale: 'de-DE' });
  await page.getByRole('button', { name: 'Anmelden' }).waitFor();
  t.is(await page.locator('html').getAttribute('lang'), 'de-DE');
});
