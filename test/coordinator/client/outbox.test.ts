import test, { type ExecutionContext } from 'ava';
import { eventsOf } from '../../support/events-of.ts';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import type { Action } from '../../../coordinator/client/sync/outbox.ts';
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

test('a held answer is not sent before its time, stops nothing behind it, and can be taken back until then', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  errand.ask('Which?');
  const [need] = (await api.call('getTask', { params: errand })).needs ?? [];
  const answer: Action = {
    do: 'answer',
    task_id: errand.id,
    need_id: need?.id ?? '',
    body: { choose: [], text: 'No.' },
  };
  const undone = await device.outbox.add(answer, 60_000);
  const held = await device.outbox.add(answer, 60_000);
  await device.outbox.add({ do: 'stop', task_id: 'unknown' });
  network.offline = false;
  device.live.wake();
  await until('what is behind is sent', () => device.outbox.entries().some(({ refused }) => refused !== undefined));
  t.true(await device.outbox.takeBack(undone));
  t.is((await api.call('getTask', { params: errand })).needs?.length, 1);
  t.true(device.outbox.entries().some(({ key, tried }) => key === held && !tried));
  await device.outbox.takeBack(held);
  const sent = await device.outbox.add(answer, 1);
  await until('it is sent', () => device.outbox.entries().some(({ key, done }) => key === sent && done === true));
  t.false(await device.outbox.takeBack(sent));
  t.deepEqual((await api.call('getTask', { params: errand })).needs, []);
  // It shows as answered until its event has been seen.
  await device.outbox.seenOpen(new Set([need?.id ?? '']));
  t.true(device.outbox.entries().some(({ key }) => key === sent));
  await device.outbox.seenOpen(new Set());
  t.false(device.outbox.entries().some(({ key }) => key === sent));
});

test('an answer that came too late is shown with how it was answered', async (t) => {
  const { api, errand, network, device } = await startOffline(t);
  errand.ask('Which?');
  const [need] = (await api.call('getTask', { params: errand })).needs ?? [];
  const need_id = need?.id ?? '';
  await device.outbox.add({ do: 'answer', task_id: errand.id, need_id, body: { choose: [], text: 'Mine.' } });
  await api.call('answerNeed', { params: { id: errand.id, need_id }, body: { choose: [], text: 'Theirs.' } });
  network.offline = false;
  device.live.wake();
  const refused = await until('it is refused', () => device.outbox.entries()[0]?.refused);
  t.is(refused.code, 'conflict');
  t.regex(refused.detail, /answered already: “Theirs\.”/);
});
