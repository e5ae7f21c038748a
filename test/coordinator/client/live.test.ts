import test from 'ava';
import { Refusal } from '../../../coordinator/client/errors.ts';
import type { Api } from '../../support/api.ts';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { newDevice, startDevice } from '../../support/web/device.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

async function remove(api: Api, id: string): Promise<void> {
  await api.call('cancelTask', { params: { id } });
  await api.call('deleteTask', { params: { id } });
}

test('errands that were deleted elsewhere while the connection was cut go, open or not, and all others are live', async (t) => {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const open = await sendErrand(api, { prompt: 'Open' });
  const other = await sendErrand(api, { prompt: 'Other' });
  const closed = await sendErrand(api, { prompt: 'Closed' });
  const stays = await sendErrand(api, { prompt: 'Stays' });
  const device = await newDevice(t, network.url, session);
  await device.isLive();
  for (const { id } of [open, other, stays]) device.live.follow(id, await device.mirror.open(id));
  network.offline = true;
  network.cut();
  await until('the loss is noticed', () => device.states.at(-1)?.kind === 'away');
  for (const { id } of [open, other, closed]) await remove(api, id);
  network.offline = false;
  device.live.wake();
  await device.isLive();
  await until('they are gone', () => device.mirror.tasks().length === 1);
  t.is(device.mirror.conversation(open.id), undefined);
  t.deepEqual([...device.storage.tasks.keys()], [stays.id]);
  new LivelyErrand(server, stays).begin();
  await until('the last one is followed', () => device.mirror.task(stays.id)?.status === 'running');
  t.false(device.states.some(({ kind }) => kind === 'failed'));
});

test('an errand that does not exist can be opened before there is a connection, and the connection comes', async (t) => {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const task = await sendErrand(api);
  const before = await newDevice(t, network.url, session);
  await before.isLive();
  before.live.follow(task.id, await before.mirror.open(task.id));
  await before.close();
  await remove(api, task.id);
  const device = await startDevice(t, before.storage);
  const error = await t.throwsAsync(device.mirror.open(task.id), { instanceOf: Refusal });
  t.is(error.code, 'not_found');
  t.is(device.mirror.conversation(task.id), undefined);
  t.is(device.mirror.task(task.id), undefined);
  network.cut();
  device.live.wake();
  await device.isLive();
  t.false(device.states.some(({ kind }) => kind === 'failed'));
});
