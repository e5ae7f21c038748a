import test from 'ava';
import type { WorkerEvent } from '../../../protocol/events.ts';
import { Client } from '../../../coordinator/client/client.ts';
import { toStored } from '../../../coordinator/client/session.ts';
import { Mirror } from '../../../coordinator/client/sync/mirror.ts';
import { Conversation } from '../../../coordinator/client/errand/conversation.ts';
import { knownEvent } from '../../../coordinator/client/known-event.ts';
import { eventsOf } from '../../support/events-of.ts';
import { startCuttingProxy } from '../../support/cutting-proxy.ts';
import { startApi } from '../../support/start-api.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { until } from '../../support/until.ts';
import { newDevice, startDevice, type Device } from '../../support/web/device.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';
import { MemoryDevice } from '../../support/web/memory-storage.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

test('a device knows each errand as the server does, whatever happens while it is connected and while it is not', async (t) => {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  const device = await newDevice(t, network.url, session);
  await device.isLive();
  errand.begin();
  errand.plan(['One', 'done'], ['Two', 'in_progress']);
  network.offline = true;
  network.cut();
  errand.spend(0.5);
  errand.ask('Which one?');
  const other = new LivelyErrand(server, await sendErrand(api, { prompt: 'Sent from elsewhere' }));
  network.offline = false;
  device.live.wake();
  await until('both are known', () => device.mirror.tasks().length === 2);
  other.begin();
  other.fail('verify_failed');
  for (const { id } of [errand, other]) {
    const { attempts: _, ...expected } = await api.call('getTask', { params: { id } });
    await until(`${id} is as the server has it`, () => {
      const task = device.mirror.task(id);
      return task?.status === expected.status && task.usage.cost_usd === expected.usage.cost_usd;
    });
    const known = device.mirror.task(id);
    t.like(known, { plan: expected.plan, reason: expected.reason, title: expected.title, attempt: expected.attempt });
    t.is(known?.waiting_for?.kind, expected.waiting_for?.kind);
  }
});

test('an open conversation has each event once and in order, however often the network is cut', async (t) => {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  for (let i = 0; i < 250; i++) errand.say(`Before ${i}`);
  const device = await newDevice(t, network.url, session);
  const opening = device.mirror.open(errand.id).then((last_id) => device.live.follow(errand.id, last_id));
  for (let i = 0; i < 150; i++) {
    errand.say(`During ${i}`);
    if (i % 30 === 0) {
      network.cut();
      device.live.wake();
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await opening;
  const expected = new Conversation(knownEvent);
  expected.apply(await eventsOf(api, errand.id));
  await until('everything has come', () => device.mirror.conversation(errand.id)?.last_id === expected.last_id);
  t.true((device.mirror.conversation(errand.id)?.first_id ?? 0) > 100, 'it has opened at its end');
  while (device.mirror.conversation(errand.id)?.has_beginning === false) await device.mirror.earlier(errand.id);
  t.deepEqual(device.mirror.conversation(errand.id)?.items, expected.items);
  t.is(expected.items.filter(({ kind }) => kind === 'said').length, 400);
});

test('an errand that was closed before it was open is not kept open', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { id } = await sendErrand(api);
  const { mirror, isLive } = await newDevice(t, server.url, session);
  await isLive();
  const opening = mirror.open(id);
  mirror.close(id);
  t.is(await opening, 0);
  t.is(mirror.conversation(id), undefined);
  t.true((await mirror.open(id)) > 0);
  t.is(mirror.conversation(id)?.has_beginning, true);
});

test('a conversation that grew long while it was open lets go of its front, which comes again on demand', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const device = await newDevice(t, server.url, session);
  await device.isLive();
  device.live.follow(errand.id, await device.mirror.open(errand.id));
  const now = () => device.mirror.conversation(errand.id);
  const line = (n: number): WorkerEvent => ({ type: 'log', body: { level: 'info', text: `Line ${n}` } });
  const running = errand.startTool('run_command', { command: 'npm test' });
  for (let n = 0; n < 5_500; n += 500) errand.report(...Array.from({ length: 500 }, (_, i) => line(n + i)));
  errand.endTool(running, 'run_command', 'It ended long after it began.', { exit_code: 0 });
  const expected = new Conversation(knownEvent);
  expected.apply(await eventsOf(api, errand.id));
  await until('everything has come', () => now()?.last_id === expected.last_id);
  errand.write('turn', 'Being written');
  await until('it is being written', () => now()?.drafts.length === 1);
  t.true((now()?.items.length ?? 0) > 5_000);
  await device.mirror.shorten(errand.id);
  t.true((now()?.items.length ?? 0) <= 1_000);
  t.deepEqual(now()?.items.at(-1), expected.items.at(-1));
  t.is(now()?.drafts[0]?.text, 'Being written');
  errand.report(line(5_500));
  expected.apply(await eventsOf(api, errand.id));
  await until('it goes on', () => now()?.last_id === expected.last_id);
  while (now()?.has_beginning === false) await device.mirror.earlier(errand.id);
  t.deepEqual(now()?.items, expected.items);
});

test('the way to the beginning of a very long conversation pauses, and ends at its beginning', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  const line: WorkerEvent = { type: 'log', body: { level: 'info', text: 'One more line' } };
  for (let n = 0; n < 20_500; n += 500) errand.report(...Array.from({ length: 500 }, () => line));
  const device = await newDevice(t, server.url, session);
  await device.isLive();
  await device.mirror.open(errand.id);
  const { signal } = new AbortController();
  t.false(await device.mirror.earlier(errand.id, signal));
  t.is(device.mirror.conversation(errand.id)?.has_beginning, false);
  t.true(await device.mirror.earlier(errand.id, signal));
  t.is(device.mirror.conversation(errand.id)?.has_beginning, true);
});

test('the log of an open errand is stored without gaps though the list starts over, or another window removes the log', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  for (const [what, begin] of [
    ['starts over', ({ mirror }: Device) => mirror.startOver()],
    ['is removed', ({ storage }: Device) => Promise.resolve(storage.events.clear())],
  ] as const) {
    const errand = new LivelyErrand(server, await sendErrand(api));
    errand.begin();
    for (let i = 0; i < 400; i++) errand.say(`Before ${i}`);
    const device = await newDevice(t, server.url, session);
    await device.isLive();
    device.live.follow(errand.id, await device.mirror.open(errand.id));
    const now = () => device.mirror.conversation(errand.id);
    await begin(device);
    errand.say('After');
    await until('it has come', () => now()?.said === 'After');
    while (now()?.has_beginning === false) await device.mirror.earlier(errand.id);
    const ids = (await eventsOf(api, errand.id)).map(({ id }) => id);
    const stored = (await device.storage.mirror.loadEvents(errand.id, Infinity)).map(({ id }) => id);
    t.deepEqual(stored, what === 'starts over' ? ids : [], what);
    await device.close();
  }
});

test('a device that starts without a network shows all that it had seen', async (t) => {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.say('Seen before.');
  const device = await newDevice(t, network.url, session);
  await device.isLive();
  device.live.follow(errand.id, await device.mirror.open(errand.id));
  errand.say('Seen live.');
  await until('it has come', () => device.mirror.conversation(errand.id)?.said === 'Seen live.');
  const seen = device.mirror.conversation(errand.id)?.items;
  await device.close();
  network.offline = true;
  network.cut();
  const later = await startDevice(t, device.storage);
  void later.mirror.open(errand.id).catch(() => undefined);
  await until('it shows what was stored', () => (later.mirror.conversation(errand.id)?.items.length ?? 0) > 0);
  t.deepEqual(later.mirror.conversation(errand.id)?.items, seen);
  t.deepEqual(
    later.mirror.tasks().map(({ id }) => id),
    [errand.id],
  );
});

test('another epoch starts over: what the restored server does not have is gone', async (t) => {
  const server = await startApi(t);
  const network = await startCuttingProxy(t, server.url);
  const { api, session } = await server.person();
  await sendErrand(api);
  const device = await newDevice(t, network.url, session);
  await device.isLive();
  const lost = { ...device.mirror.tasks()[0], id: 'zzzzzzzzzzzzzzzzzzzz' } as never;
  await device.mirror.put(lost);
  t.is(device.mirror.tasks().length, 2);
  server.epoch.now = 'another';
  network.cut();
  device.live.wake();
  await until('it has started over', () => device.storage.known?.epoch === 'another');
  t.is(device.mirror.tasks().length, 1);
  t.is(device.storage.tasks.size, 1);
});

test('whenever its process ends, a device has stored each errand of the events up to its cursor', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const device = await newDevice(t, server.url, session);
  const { save } = device.storage.mirror;
  const missing: string[] = [];
  device.storage.mirror.save = async (change) => {
    await save(change);
    const { cursor = 0 } = device.storage.known ?? {};
    for (const { type, id, task_id } of server.rows)
      if (type === 'task.created' && id <= cursor && !device.storage.tasks.has(task_id)) missing.push(task_id);
  };
  await device.isLive();
  for (let i = 0; i < 5; i++) new LivelyErrand(server, await sendErrand(api)).begin();
  await until('all are stored', () => device.storage.tasks.size === 5);
  t.deepEqual(missing, []);
});

test('an errand that is open stays when the list is read, though it is archived, and goes if it was deleted', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({});
  const params = { id: errand.id };
  await api.call('patchTask', { params, body: { archived: true } });
  const storage = new MemoryDevice(toStored(server.url, session));
  const client = await Client.open(storage.session, { signal: new AbortController().signal });
  const mirror = new Mirror(client, storage.mirror, () => undefined);
  // As for the address of an errand that opens on a new device, before that has a connection.
  await mirror.open(errand.id);
  const epoch = client.epoch ?? '';
  await mirror.connected({ cursor: Number.MAX_SAFE_INTEGER, epoch });
  t.like(mirror.task(errand.id), { archived: true });
  await api.call('deleteTask', { params });
  await mirror.connected({ cursor: 0, epoch });
  t.is(mirror.task(errand.id), undefined);
  t.false(storage.tasks.has(errand.id));
});

test('an errand that is open in the archive is there again after another epoch, though it could not be read at first', async (t) => {
  const server = await startApi(t);
  const proxy = await startFaultyProxy(t, server.url);
  const { api, session } = await server.person();
  const errand = new LivelyErrand(server, await sendErrand(api));
  errand.begin();
  errand.succeed({});
  await api.call('patchTask', { params: { id: errand.id }, body: { archived: true } });
  const storage = new MemoryDevice(toStored(proxy.url, session));
  const client = await Client.open(storage.session, { signal: new AbortController().signal });
  const mirror = new Mirror(client, storage.mirror, () => undefined);
  await mirror.open(errand.id);
  await mirror.connected({ cursor: 0, epoch: 'one' });
  proxy.answer = ({ url = '' }, response) => {
    if (!url.endsWith(`/tasks/${errand.id}`)) return false;
    response.writeHead(502).end();
    return true;
  };
  await t.throwsAsync(mirror.connected({ cursor: 0, epoch: 'another' }));
  proxy.answer = () => false;
  await mirror.connected({ cursor: 0, epoch: 'another' });
  t.like(mirror.task(errand.id), { archived: true });
});
