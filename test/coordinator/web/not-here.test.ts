import test from 'ava';
import { sendErrand } from '../../support/send-errand.ts';
import { logIn, openApp, openAppLoggedIn } from '../../support/web/app-scene.ts';
import { DESK } from '../../support/web/browser.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const GONE = 'This errand does not exist here.';
const NOT_YET = /^This errand is not on this device yet/;

for (const [name, path, shown] of [
  ['errand', '', 'Which one?'],
  ['decision', '/decision', 'Which one?'],
] as const)
  test.serial(
    `the ${name} of an errand that is not here yet says so, and comes once the server can be reached`,
    async (t) => {
      t.timeout(120_000);
      const { server, api, network, page } = await openAppLoggedIn(t);
      await page.waitForFunction(async () => (await navigator.serviceWorker.ready).active?.state === 'activated');
      network.offline = true;
      network.cut();
      const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Sent from the laptop' }));
      errand.begin();
      errand.ask('Which one?');
      await page.goto(`${network.url}/errands/${errand.id}${path}`);
      await page.getByText(NOT_YET).waitFor();
      t.is(await page.getByText(GONE).count(), 0);
      network.offline = false;
      await page.evaluate(() => window.dispatchEvent(new Event('online')));
      await page.getByText(shown).first().waitFor();
      t.is(await page.getByText(NOT_YET).count(), 0);

      // The log is followed too.
      if (name === 'errand') {
        errand.say('Said after that.');
        await page.getByText('Said after that.').waitFor();
      }
      await page.goto(`${network.url}/errands/01hzzzzzzzzzzzzzzzzz${path}`);
      await page.getByText(GONE).waitFor();
      t.is(await page.getByText(NOT_YET).count(), 0);
    },
  );

test.serial('an errand that the server could not read while all else is live comes by itself', async (t) => {
  t.timeout(60_000);
  const scene = await openApp(t, { size: DESK });
  const { server, api, network, page } = scene;
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.say('From the archive.');
  errand.succeed({});
  await api.call('patchTask', { params: { id: errand.id }, body: { archived: true } });
  // The list does not have it.
  await logIn(scene);
  const body = JSON.stringify({ type: 'urn:errand:problem:internal', title: 'x', status: 500, code: 'internal' });
  const contentType = 'application/problem+json';
  await page.route(`**/tasks/${errand.id}`, (route) => route.fulfill({ status: 500, contentType, body }));
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.getByText(NOT_YET).waitFor();
  await page.getByText('live', { exact: true }).first().waitFor();
  await page.unrouteAll();
  await page.getByText('From the archive.').waitFor();
  t.is(await page.getByText(NOT_YET).count(), 0);
});

test.serial('an errand that is deleted elsewhere while it is open does not exist any more', async (t) => {
  t.timeout(120_000);
  const { server, api, network, page } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({});
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.locator('.talk').waitFor();
  await api.call('deleteTask', { params: { id: errand.id } });
  await page.getByText(GONE).waitFor();
  t.is(await page.getByText(NOT_YET).count(), 0);
  await page.goto(`${network.url}/errands/${errand.id}/changes`);
  await page.getByText(GONE).waitFor();
  t.is(await page.getByText('The changes were not loaded').count(), 0);
});

test.serial('the conversation of a known errand that was never open here says so, and comes', async (t) => {
  t.timeout(60_000);
  const { server, api, network, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Only in the list' }));
  errand.begin();
  errand.say('Said before.');
  await page.getByRole('link', { name: /Only in the list/ }).waitFor();
  network.offline = true;
  network.cut();
  await page.getByRole('link', { name: /Only in the list/ }).click();
  const words = page.getByText('The conversation is not on this device yet.');
  await words.waitFor();
  network.offline = false;
  await page.evaluate(() => window.dispatchEvent(new Event('online')));
  await page.getByText('Said before.').waitFor();
  t.is(await words.count(), 0);
  t.deepEqual(faults, []);
});
