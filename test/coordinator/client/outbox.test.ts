import test, { type ExecutionContext } from 'ava';
import { eventsOf } from '../../support/events-of.ts';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { newDevice, startDevice } from '../../support/web/device.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

/** An errand at work, and a device that has just lost its network. */
async function startOffline(t: ExecutionContext) {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const device = await newDevice(t, network.url, session);
  await device.isLive();
  network.offline = true;
  network.cut();
  return { api, errand, network, device };
}

test('what was said without a network arrives once and in order, also after the death of the app', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  for (const text of ['first', 'second', 'third'])
    await device.outbox.add({ do: 'say', task_id: errand.id, body: { text } });
  await device.close();
  const later = await startDevice(t, device.storage);
  t.is(later.outbox.entries().length, 3);
  network.offline = false;
  later.live.wake();
  await until('all are sent', () => later.outbox.entries().every(({ message_id }) => message_id !== undefined));
  const said = (await eventsOf(api, errand.id)).filter(({ type }) => type === 'message.received');
  t.deepEqual(
    said.map(({ body }) => body.text),
    ['first', 'second', 'third'],
  );
  await later.outbox.seen(new Set(said.map(({ body }) => String(body.message_id))));
  t.is(device.storage.entries.size, 0);
});

test('an action whose answer was lost counts once', async (t) => {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const device = await newDevice(t, network.url, session);
  await device.isLive();
  network.loseAnswer();
  await device.outbox.add({ do: 'send', body: { prompt: 'Once', repo_url: 'https://forge.example/a/b' } });
  await device.outbox.flush();
  await until('it is sent', async () => {
    await device.outbox.flush();
    return device.outbox.entries().length === 0;
  });
  t.is((await api.call('listTasks', {})).items.length, 1);
});

test('a refused action stays to be shown, and does not stop those behind it', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({});
  const device = await newDevice(t, server.url, session);
  await device.isLive();
  await device.outbox.add({ do: 'stop', task_id: errand.id });
  await device.outbox.add({ do: 'say', task_id: errand.id, body: { text: 'go on' } });
  await until('the second is sent', () => device.outbox.entries().some(({ message_id }) => message_id !== undefined));
  const [first] = device.outbox.entries();
  t.is(first?.refused?.code, 'conflict');
  t.true(await device.outbox.takeBack(first?.key ?? ''));
});

test('what waits can be taken back until it was sent', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  const say = (text: string) => device.outbox.add({ do: 'say', task_id: errand.id, body: { text } });
  await say('on its way');
  const key = await say('not yet');
  await until('the first was tried', () => device.outbox.entries()[0]?.tried === true);
  t.false(await device.outbox.takeBack(device.outbox.entries()[0]?.key ?? ''), 'it may have arrived');
  t.true(await device.outbox.takeBack(key));
  network.offline = false;
  device.live.wake();
  await until('the first is sent', () => device.outbox.entries()[0]?.message_id !== undefined);
  const said = (await eventsOf(api, errand.id)).filter(({ type }) => type === 'message.received');
  t.deepEqual(
    said.map(({ body }) => body.text),
    ['on its way'],
  );
});
