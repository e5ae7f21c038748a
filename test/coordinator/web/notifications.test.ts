import test from 'ava';
import { eventsOf } from '../../support/events-of.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { openAppLoggedIn } from '../../support/web/app-scene.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';
import {
  deliver,
  openNotifications,
  serviceWorker,
  shown,
  touch,
  type PushScene,
  type WorkerScope,
} from './push-scene.ts';

test.serial('the service worker shows what the server sends, answers from it, and opens the errand', async (t) => {
  const scene = await openNotifications(t);
  const { server, api, context, page, network, subscription, faults } = scene;
  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.getByText(/^Accepted/).waitFor();
  t.is(subscription.messages[0]?.title, 'Errand');

  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round up' }));
  errand.begin();
  const ref = 'toolu_1';
  const options = ['Up', 'Down'];
  errand.report({ type: 'question.asked', body: { ref, question: 'Which rounding?', options } });
  const question = await until('it is sent', () => subscription.messages[1]);
  await deliver(scene, question);
  const tag = `errand-${errand.id}`;
  t.deepEqual(await shown(page), [{ title: 'Round up', body: 'Needs you: Which rounding?', tag, actions: options }]);
  // The same again, as from a server that was killed in between.
  await deliver(scene, question);
  t.is((await shown(page)).length, 1);

  const worker = serviceWorker(context);
  await touch(worker, tag, 'answer-1');
  await until('it is answered', async () => (await said(scene, errand.id)).includes('Down'));
  await until('it says so', async () => (await shown(page))[0]?.body === 'Sent: Down');
  // Another app of the same host is in front.
  const foreign = await context.newPage();
  await foreign.goto(`${network.url}/openapi.json`);
  await touch(worker, tag);
  await page.waitForURL(`${network.url}/errands/${errand.id}/decision`);
  await page.getByRole('heading', { name: 'Decision' }).waitFor();
  await page.getByText('There is nothing to decide here any more.').waitFor();
  t.deepEqual(await shown(page), []);
  t.deepEqual(faults, []);
});

test.serial('what a notification says of an answer that is refused is in its language', async (t) => {
  const scene = await openNotifications(t);
  const { server, api, context, page, subscription } = scene;
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round up' }));
  errand.begin();
  errand.ask('Which rounding?', ['Up', 'Down']);
  const question = await until('it is sent', () => subscription.messages[0]);
  const [need] = (await api.call('getTask', { params: errand })).needs ?? [];
  await api.call('answerNeed', {
    params: { id: errand.id, need_id: need?.id ?? '' },
    body: { choose: [need?.options[0]?.value ?? ''] },
  });
  const worker = serviceWorker(context);
  const press = async (): Promise<string | undefined> => {
    await deliver(scene, { ...question, lang: 'de' });
    await touch(worker, `errand-${errand.id}`, 'answer-1');
    return (await shown(page))[0]?.body;
  };
  t.is(await press(), 'Geht nicht mehr. Tippe, um den Auftrag zu öffnen.');
  await worker.evaluate(() => {
    const problem = { code: 'unavailable', detail: 'The server is stopping.' };
    Object.assign(self, { fetch: () => Promise.resolve(Response.json(problem, { status: 503 })) });
  });
  t.is(await press(), 'Nicht gesendet. Tippe, um den Auftrag zu öffnen.');
});

test.serial('the service worker registers a subscription that the browser has replaced, at once', async (t) => {
  const scene = await openNotifications(t);
  const { api, context, page, receiver, network } = scene;
  const [before] = (await api.call('listChannels', {})).items;
  await page.getByLabel('is done').uncheck();
  await until('the server knows', async () => (await api.call('listChannels', {})).items[0]?.occasions.length === 3);
  // The access token that the app keeps is no longer valid: the worker renews it.
  const registered = page.waitForResponse(
    (answer) => answer.request().method() === 'POST' && answer.url().endsWith('/channels'),
  );
  await page.goto(`${network.url}/settings`);
  await registered;
  await page.evaluate(async () => {
    const opened = await new Promise<IDBDatabase>((resolve) => {
      const request = indexedDB.open('errand');
      request.addEventListener('success', () => resolve(request.result));
    });
    const logins = opened.transaction('login', 'readwrite').objectStore('login');
    const read = logins.get('one');
    await new Promise<void>((resolve) => {
      read.addEventListener('success', () => {
        const put = logins.put({ ...read.result, access_token: 'old', expires_at_ms: 1 }, 'one');
        put.addEventListener('success', () => resolve());
      });
    });
    opened.close();
  });
  const renewed = receiver.subscribe();
  const worker = serviceWorker(context);
  await worker.evaluate(async (json) => {
    const scope = self as unknown as WorkerScope;
    const event = new scope.ExtendableEvent('pushsubscriptionchange');
    const work: Promise<unknown>[] = [];
    Object.assign(event, { newSubscription: { toJSON: () => json } });
    Object.defineProperty(event, 'waitUntil', { value: (each: Promise<unknown>) => work.push(each) });
    scope.dispatchEvent(event);
    await Promise.all(work);
  }, renewed.json);
  const { items } = await api.call('listChannels', {});
  t.is(items.length, 1);
  t.is(items[0]?.id, before?.id);
  t.deepEqual(items[0]?.occasions, ['needs_you', 'failed', 'limit'], 'what it is told of stays');
  await api.call('testChannel', { params: { id: items[0]?.id ?? '' } });
  t.is(renewed.messages[0]?.title, 'Errand');
  await page.reload();
  await page.getByText('live', { exact: true }).first().waitFor();
});

test.serial('a message that nobody understands shows something too', async (t) => {
  const scene = await openNotifications(t);
  for (const [i, message] of ['', 'no JSON', '{}', '{"notification":7}', '[]', 'null'].entries()) {
    await deliver(scene, message);
    t.is((await shown(scene.page)).length, i + 1);
  }
  t.deepEqual(new Set((await shown(scene.page)).map(({ title }) => title)), new Set(['Errand']));
});

test.serial(
  'a touch on a test opens the settings of notifications, and one on what names no page the first page',
  async (t) => {
    const scene = await openNotifications(t);
    const { context, page, network, subscription } = scene;
    await page.getByRole('button', { name: 'Send a test' }).click();
    const test_message = await until('it is sent', () => subscription.messages[0]);
    const worker = serviceWorker(context);
    await deliver(scene, '{}');
    await touch(worker, '');
    await page.waitForURL(`${network.url}/`);
    await deliver(scene, test_message);
    await touch(worker, 'test');
    await page.waitForURL(`${network.url}/settings/notifications`);
    t.pass();
  },
);

test.serial('a device says what it shows, mutes an errand, and forgets its subscription at the log-out', async (t) => {
  const scene = await openNotifications(t);
  const { server, api, page, network, subscription } = scene;
  await page.getByLabel('is done').uncheck();
  await until(
    'the server knows',
    async () => (await api.call('listChannels', {})).items[0]?.occasions.join() === 'needs_you,failed,limit',
  );
  const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round up' }));
  errand.begin();
  const shown = page.waitForResponse(/\/presence$/);
  await page.goto(`${network.url}/errands/${errand.id}`);
  await shown;
  // It waits, or the device said once more that it shows the errand: then nothing is left to tell.
  const held = server.db.prepare(
    'SELECT 1 FROM notifications WHERE task_id = ? AND (next_at IS NULL OR next_at > created_at)',
  );
  await page.locator('.goal').waitFor();
  errand.ask('Which rounding?');
  await until('it is held back', () => held.get(errand.id) !== undefined || subscription.messages.length > 0);
  t.deepEqual(subscription.messages, []);
  await page.locator('.errand header .icon-button').last().click();
  await page.getByRole('button', { name: 'Mute this errand' }).click();
  await page.getByText('Muted: nobody is notified of it.').waitFor();
  t.true((await api.call('getTaskNotifications', { params: { id: errand.id } })).muted);

  await page.goto(`${network.url}/settings`);
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Log out' }).click();
  await page.locator('input[name=password]').waitFor();
  await page.waitForFunction(() => localStorage.getItem('subscribed') === null);
});

test.serial(
  'a device that starts without a network says what it shows, and subscribes again, once it is back',
  async (t) => {
    const scene = await openNotifications(t);
    const { server, api, context, page, network } = scene;
    const errand = new LivelyErrand(server, await sendErrand(api, { prompt: 'Round up' }));
    errand.begin();
    await page.goto(`${network.url}/errands/${errand.id}`);
    await page.locator('.goal').waitFor();
    await context.setOffline(true);
    network.cut();
    let tried = 0;
    page.on('requestfailed', (request) => {
      if (request.url().includes('/channels?')) tried++;
    });
    await page.reload();
    await page.locator('.goal').waitFor();
    await until('it has given up', () => tried === 5);
    const subscribes = page.waitForResponse(
      (response) => response.url().endsWith('/channels') && response.request().method() === 'POST',
    );
    const shows = page.waitForRequest(/\/presence$/);
    await context.setOffline(false);
    network.cut();
    t.true((await subscribes).ok());
    t.is((await shows).postData(), JSON.stringify({ task_id: errand.id }));
  },
);

test.serial('a device whose browser blocks notifications says how to allow them, and offers no button', async (t) => {
  t.timeout(60_000);
  const { context, page, network } = await openAppLoggedIn(t, { whole: true });
  const browser = await context.newCDPSession(page);
  const permission = { name: 'notifications' };
  await browser.send('Browser.setPermission', { permission, setting: 'denied', origin: network.url });
  await page.goto(`${network.url}/settings/notifications`);
  await page.getByText('Blocked: allow notifications for this page').waitFor();
  t.is(await page.getByRole('button', { name: 'Turn on notifications' }).count(), 0);
  await browser.send('Browser.setPermission', { permission, setting: 'granted', origin: network.url });
  await page.reload();
  await page.getByText('Off on this device.').waitFor();
});

const said = async ({ api }: PushScene, id: string) =>
  (await eventsOf(api, id)).filter(({ type }) => type === 'message.received').map(({ body }) => body.text);
