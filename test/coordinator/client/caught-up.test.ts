import test from 'ava';
import { toStored } from '../../../coordinator/client/session.ts';
import type { OpenSocket } from '../../../coordinator/client/socket.ts';
import type { ServerFrame } from '../../../protocol/socket.ts';
import type { Api } from '../../support/api.ts';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { startDevice, type Device } from '../../support/web/device.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';
import { MemoryDevice } from '../../support/web/memory-storage.ts';

for (const [what, act] of [
  [
    'is left',
    ({ mirror, live }: Device, _: Api, id: string) => {
      mirror.close(id);
      live.leave(id);
    },
  ],
  [
    'is deleted',
    async (_: Device, api: Api, id: string) => {
      await api.call('cancelTask', { params: { id } });
      await api.call('deleteTask', { params: { id } });
    },
  ],
] as const)
  test(`a device has caught up once the last errand that it waits for ${what}`, async (t) => {
    const server = await startApi(t);
    const network = await startCuttingProxy(t, server.url);
    const { api, session } = await server.person();
    const { id } = await sendErrand(api);
    let holds = false;
    let [listed, held] = [false, 0];
    const openSocket: OpenSocket = (url, protocols) => {
      const socket = new WebSocket(url, [...protocols]);
      socket.addEventListener('message', (message) => {
        const frame = JSON.parse(String(message.data)) as { type: string; scope?: string };
        if (!holds || frame.type !== 'caught_up') return;
        if (frame.scope === 'tasks' && !listed) return void (listed = true);
        held++;
        message.stopImmediatePropagation();
      });
      return socket;
    };
    const device = await startDevice(t, new MemoryDevice(toStored(network.url, session)), { openSocket });
    await device.isLive();
    device.live.follow(id, await device.mirror.open(id));
    holds = true;
    network.cut();
    device.live.wake();
    await until('it waits for the log alone', () => listed && held > 0);
    t.is(device.states.at(-1)?.kind, 'catching_up');
    await act(device, api, id);
    await device.isLive();
  });

test('an errand that is left while the device has no connection does not make it live', async (t) => {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const { id } = await sendErrand(api);
  const device = await startDevice(t, new MemoryDevice(toStored(network.url, session)));
  await device.isLive();
  device.live.follow(id, await device.mirror.open(id));
  network.offline = true;
  network.cut();
  await until('the loss is noticed', () => device.states.at(-1)?.kind === 'away');
  device.mirror.close(id);
  device.live.leave(id);
  t.is(device.states.at(-1)?.kind, 'away');
});

test('an errand that is left while its log is read again is not followed', async (t) => {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const { id } = await sendErrand(api);
  const device = await startDevice(t, new MemoryDevice(toStored(network.url, session)));
  await device.mirror.open(id);
  const epoch = device.client.epoch ?? '';
  const connect = () => device.mirror.connected({ cursor: Number.MAX_SAFE_INTEGER, epoch });
  t.is((await connect()).size, 1);
  const connecting = connect();
  device.mirror.close(id);
  t.deepEqual([...(await connecting)], []);
});

test('a device whose list starts over has not caught up before the list is whole again', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { attempts: _, ...task } = await api.call('getTask', { params: await sendErrand(api) });
  let tell: (frame: ServerFrame) => void = () => t.fail();
  const openSocket: OpenSocket = (url, protocols) => {
    const socket = new WebSocket(url, [...protocols]);
    tell = (frame) => socket.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(frame) }));
    return socket;
  };
  const device = await startDevice(t, new MemoryDevice(toStored(server.url, session)), { openSocket });
  await device.isLive();
  const cursor = task.newest_event_id ?? 0;
  tell({ type: 'start_over' });
  await until('the list is void', () => device.mirror.tasks().length === 0);
  t.is(device.states.at(-1)?.kind, 'catching_up');
  tell({ type: 'tasks', cursor, tasks: [task] });
  await until('it comes again', () => device.mirror.tasks().length === 1);
  t.is(device.states.at(-1)?.kind, 'catching_up');
  tell({ type: 'caught_up', scope: 'tasks', cursor });
  await device.isLive();
});

test('a device subscribes before it has read the list, and misses nothing of what comes meanwhile', async (t) => {
  const server = await startApi(t);
  const proxy = await startFaultyProxy(t, server.url);
  const { api, session } = await server.person();
  const sent: string[] = [];
  const openSocket: OpenSocket = (url, protocols) => {
    const socket = new WebSocket(url, [...protocols]);
    const send = socket.send.bind(socket);
    socket.send = (data) => {
      sent.push(JSON.stringify(data));
      send(data);
    };
    return socket;
  };
  const listing = Promise.withResolvers<void>();
  proxy.answer = ({ url = '' }, response) => {
    if (!url.startsWith('/tasks?')) return false;
    const items = { items: [], next_cursor: null };
    void listing.promise.then(() =>
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(items)),
    );
    return true;
  };
  const device = await startDevice(t, new MemoryDevice(toStored(proxy.url, session)), { openSocket });
  await until('it subscribes', () => sent.some((frame) => frame.includes('tasks')));
  t.is(device.states.at(-1)?.kind, 'catching_up');
  const { id } = await sendErrand(api);
  listing.resolve();
  await device.isLive();
  await until('it knows the errand', () => device.mirror.task(id) !== undefined);
});
