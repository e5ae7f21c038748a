import test from 'ava';
import { CLOSE } from '../../../protocol/socket.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

const RETRY_AFTER_S = 60;
const PROBLEM = 'application/problem+json';

test.serial('the app is live again when the network is back, and does not wait for its next attempt', async (t) => {
  t.timeout(120_000);
  const { server, api, network, context, page, faults } = await openAppLoggedIn(t);
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.say('Before the tunnel.');
  await page.goto(`${network.url}/errands/${errand.id}`);
  await page.getByText('Before the tunnel.').waitFor();
  // What it has missed it reads from the log, and is told to come back much later.
  await page.route('**/events?*', (route) =>
    route.fulfill({ status: 503, headers: { 'retry-after': String(RETRY_AFTER_S) }, body: '' }),
  );
  const told = page.waitForResponse((response) => response.status() === 503);
  network.cut();
  await told;
  const would_wait_until = Date.now() + RETRY_AFTER_S * 1000;
  await context.setOffline(true);
  await page.locator('.live.off', { hasText: 'offline since' }).waitFor();
  await page.unrouteAll();
  errand.say('In the tunnel.');
  await context.setOffline(false);
  await page.getByText('live', { exact: true }).waitFor();
  await page.getByText('In the tunnel.').waitFor();
  t.true(Date.now() < would_wait_until);
  t.deepEqual(
    faults.filter((fault) => !fault.includes('status of 503')),
    [],
  );
});

test.serial(
  'an open errand is followed after a restore of the database, also if its log is refused once',
  async (t) => {
    t.timeout(60_000);
    const { server, api, network, page } = await openAppLoggedIn(t);
    const errand = new LivelyErrand(server, await sendErrand(api));
    errand.begin();
    errand.say('Before the restore.');
    await page.goto(`${network.url}/errands/${errand.id}`);
    await page.getByText('Before the restore.').waitFor();
    await page.getByText('live', { exact: true }).waitFor();
    const body = JSON.stringify({ type: 'urn:errand:problem:internal', title: 'x', status: 500, code: 'internal' });
    await page.route('**/events?*', (route) => route.fulfill({ status: 500, contentType: PROBLEM, body }), {
      times: 1,
    });
    const refused = page.waitForResponse((response) => response.status() === 500);
    server.epoch.now = 'another';
    network.cut();
    await refused;
    errand.say('After the restore.');
    await page.getByText('After the restore.').waitFor();
    t.pass();
  },
);

test.serial('a window whose connection others have taken has a button that brings it back', async (t) => {
  t.timeout(60_000);
  const { network, page, faults } = await openAppLoggedIn(t);
  let displaced = true;
  await page.routeWebSocket(/\/ws\//, (socket) => {
    if (displaced) void socket.close({ code: CLOSE.too_many });
    else socket.connectToServer();
  });
  await page.goto(network.url);
  await page.locator('.live', { hasText: /not connected: \w+ / }).waitFor();
  displaced = false;
  await page.locator('.live').getByRole('button', { name: 'Reload' }).click();
  await page.getByText('live', { exact: true }).waitFor();
  t.deepEqual(faults, []);
});
