import type { ServerResponse } from 'node:http';
import test, { type ExecutionContext } from 'ava';
import { Client } from '../../../coordinator/client/client.ts';
import { Refusal } from '../../../coordinator/client/errors.ts';
import { toStored } from '../../../coordinator/client/session.ts';
import { Mirror } from '../../../coordinator/client/sync/mirror.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { newDevice, startDevice } from '../../support/web/device.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';
import { MemoryDevice } from '../../support/web/memory-storage.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

function answer(response: ServerResponse, code: string, status: number): true {
  const problem = { type: `urn:errand:problem:${code}`, title: code, status, code };
  response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
  return true;
}

/** An errand in the archive of which the feed tells but parts: another device was told of the whole. */
async function archiveErrand(t: ExecutionContext) {
  const server = await startApi(t);
  const proxy = await startFaultyProxy(t, server.url);
  const { api, session } = await server.person();
  const bad = new LivelyErrand(server, await sendErrand(api));
  bad.begin();
  bad.succeed({});
  const archive = (archived: boolean) => api.call('patchTask', { params: { id: bad.id }, body: { archived } });
  const other = await newDevice(t, server.url, session);
  await other.isLive();
  await archive(true);
  await until('another device is told of the whole', () => other.mirror.task(bad.id)?.archived === true);
  return { server, proxy, api, session, bad, archive };
}

test('an errand that the server cannot read holds up none of the others, open or not', async (t) => {
  const { server, proxy, api, session, bad, archive } = await archiveErrand(t);
  const good = new LivelyErrand(server, await sendErrand(api, { prompt: 'Good' }));
  let refused = 0;
  proxy.answer = ({ url = '' }, response) => {
    if (!url.endsWith(`/tasks/${bad.id}`)) return false;
    refused++;
    return answer(response, 'internal', 500);
  };
  const device = await newDevice(t, proxy.url, session);
  await t.throwsAsync(device.mirror.open(bad.id));
  await device.isLive();
  t.is(device.mirror.task(good.id)?.title, 'Good');
  const before = refused;
  // The feed tells a part of one that this device does not know.
  await archive(false);
  await until('it is asked for', () => refused > before);
  good.begin();
  await until('the others go on', () => device.mirror.task(good.id)?.status === 'running');
  t.false(device.states.some(({ kind }) => kind === 'away'));
});

/** A device that could not read an errand of which it was told. */
async function missAnErrand(t: ExecutionContext) {
  const { proxy, api, session, bad: errand, archive } = await archiveErrand(t);
  const device = await newDevice(t, proxy.url, session);
  await device.isLive();
  let refused = 0;
  proxy.answer = ({ url = '' }, response) =>
    url.endsWith(`/tasks/${errand.id}`) && answer(response, 'internal', 500) && ++refused > 0;
  await archive(false);
  await until('it is asked for', () => refused > 0);
  // What comes after it has arrived.
  const next = await sendErrand(api, { prompt: 'Next' });
  await until('the next one is there', () => device.storage.tasks.has(next.id));
  t.is(device.mirror.task(errand.id), undefined);
  return { device, proxy, id: errand.id, next };
}

test('an errand that the server could not read is there after the next connection', async (t) => {
  const { device, proxy, id, next } = await missAnErrand(t);
  proxy.answer = () => false;
  proxy.cut();
  await until('it is there', () => device.mirror.task(id) !== undefined);
  await until('all is stored', () => (device.storage.known?.cursor ?? 0) >= (next.newest_event_id ?? 0));
  t.true(device.storage.tasks.has(id));
});

test('an errand that the server could not read is there though the device is started anew before it is asked for', async (t) => {
  const { device, proxy, id } = await missAnErrand(t);
  await device.close();
  proxy.answer = () => false;
  const later = await startDevice(t, device.storage);
  await until('it is there', () => later.mirror.task(id) !== undefined);
});

test('an open log that the server cannot read holds up neither the list nor itself', async (t) => {
  const server = await startApi(t);
  const proxy = await startFaultyProxy(t, server.url);
  const { api, session } = await server.person();
  const bad = new LivelyErrand(server, await sendErrand(api));
  bad.begin();
  const device = await newDevice(t, proxy.url, session);
  await device.isLive();
  device.live.follow(bad.id, await device.mirror.open(bad.id));
  proxy.answer = ({ url = '' }, response) =>
    url.split('?')[0]?.endsWith(`/tasks/${bad.id}/events`) === true && answer(response, 'internal', 500);
  const connections = () => device.states.filter(({ kind }) => kind === 'live').length;
  proxy.cut();
  bad.say('While it was away.');
  const fresh = await sendErrand(api, { prompt: 'Fresh' });
  await until('the list goes on', () => device.mirror.task(fresh.id) !== undefined);
  await until('its rest comes by the socket', () => device.mirror.conversation(bad.id)?.said === 'While it was away.');
  await until('it is live again', () => connections() === 2);
  t.is(device.states.filter(({ kind }) => kind === 'away').length, 1);
});

test('a log that could not be opened does not come whole by the socket, but at its end once it can be read', async (t) => {
  const server = await startApi(t);
  const proxy = await startFaultyProxy(t, server.url);
  const { api, session } = await server.person();
  const bad = new LivelyErrand(server, await sendErrand(api));
  bad.begin();
  const device = await newDevice(t, proxy.url, session);
  await device.isLive();
  proxy.answer = ({ url = '' }, response) =>
    url.split('?')[0]?.endsWith(`/tasks/${bad.id}/events`) === true && answer(response, 'internal', 500);
  await t.throwsAsync(device.mirror.open(bad.id), { instanceOf: Refusal });
  proxy.cut();
  await until('it is live again', () => device.states.filter(({ kind }) => kind === 'live').length === 2);
  t.is(device.mirror.conversation(bad.id)?.last_id, 0);
  proxy.answer = () => false;
  device.live.follow(bad.id, await device.mirror.open(bad.id));
  bad.say('It goes on.');
  await until('it is followed', () => device.mirror.conversation(bad.id)?.said === 'It goes on.');
  t.is(device.mirror.conversation(bad.id)?.has_beginning, true);
});

for (const path of ['', '/events'])
  test(`a refused log-in is not taken for a fault of an errand (/tasks/ID${path})`, async (t) => {
    const server = await startApi(t);
    const proxy = await startFaultyProxy(t, server.url);
    const { api, session } = await server.person();
    const { id } = await sendErrand(api);
    const storage = new MemoryDevice(toStored(proxy.url, session));
    const client = await Client.open(storage.session, { signal: new AbortController().signal });
    const mirror = new Mirror(client, storage.mirror, () => undefined);
    await mirror.open(id);
    proxy.answer = ({ url = '' }, response) =>
      url.split('?')[0]?.endsWith(`/tasks/${id}${path}`) === true && answer(response, 'unauthenticated', 401);
    // The errand is open, and is not listed.
    await api.call('cancelTask', { params: { id } });
    await api.call('patchTask', { params: { id }, body: { archived: true } });
    const connecting = mirror.connected({ cursor: 0, epoch: client.epoch ?? '' });
    const error = await t.throwsAsync(connecting, { instanceOf: Refusal });
    t.is(error.code, 'unauthenticated');
  });
