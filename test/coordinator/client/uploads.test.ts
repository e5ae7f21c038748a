import test, { type ExecutionContext } from 'ava';
import { upload } from '../../../coordinator/client/upload.ts';
import { Unreachable } from '../../../coordinator/client/errors.ts';
import { unlessAborted } from '../../../coordinator/client/wait.ts';
import { Outbox } from '../../../coordinator/client/sync/outbox.ts';
import { newId } from '../../../protocol/new-id.ts';
import { eventsOf } from '../../support/events-of.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { newDevice } from '../../support/web/device.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';
import { LivelyErrand } from '../../support/web/lively-errand.ts';

/** Two errands at work, and a window of a device whose uploads take until `line.opens`. */
async function startUploading(t: ExecutionContext) {
  const server = await startApi(t);
  const proxy = await startFaultyProxy(t, server.url);
  const { api, session } = await server.person();
  const errands = [await sendErrand(api), await sendErrand(api)].map((task) => new LivelyErrand(server, task));
  for (const errand of errands) errand.begin();
  const [first, second] = errands as [LivelyErrand, LivelyErrand];
  const device = await newDevice(t, proxy.url, session);
  await device.isLive();
  const line = { ...Promise.withResolvers<void>(), uploads: [] as string[] };
  const openWindow = (
    reachable = () => true,
    fault = (_ids: readonly string[]): Promise<void> | undefined => undefined,
  ) =>
    new Outbox(device.client, device.storage.outbox, {
      changed: () => undefined,
      task: () => Promise.resolve(),
      reachable,
      upload: async (ids, signal) => {
        line.uploads.push(...ids);
        await fault(ids);
        await unlessAborted(line.promise, signal);
        for (const id of ids) await upload(device.client, { id, name: 'a.txt', blob: new Blob(['line']) });
      },
    });
  const said = async () =>
    (await eventsOf(api, first.id)).flatMap(({ type, body }) => (type === 'message.received' ? [body.text] : []));
  return { api, proxy, first, second, line, openWindow, said };
}

test('what takes long to upload holds up its own errand alone, and then goes with its files, in order', async (t) => {
  const { api, first, second, line, openWindow, said } = await startUploading(t);
  const outbox = openWindow();
  const attachments = [newId()];
  await outbox.add({ do: 'say', task_id: first.id, body: { text: 'Look', attachments } });
  await outbox.add({ do: 'say', task_id: first.id, body: { text: 'And hurry' } });
  await until('it is being uploaded', () => line.uploads.length > 0);
  await outbox.add({ do: 'stop', task_id: second.id });
  await until('the other one stops', () => outbox.entries().every(({ action }) => action.do !== 'stop'));
  t.deepEqual(await said(), []);
  line.resolve();
  await until('both have come', async () => (await said()).length === 2);
  t.deepEqual(await said(), ['Look', 'And hurry']);
  const events = await eventsOf(api, first.id);
  t.true(events.some(({ body }) => Array.isArray(body.attachments) && body.attachments.length === 1));
});

test('a stop does not wait for what is being uploaded to its errand', async (t) => {
  const { api, first, line, openWindow, said } = await startUploading(t);
  const outbox = openWindow();
  await outbox.add({ do: 'say', task_id: first.id, body: { text: 'Look', attachments: [newId()] } });
  await until('it is being uploaded', () => line.uploads.length > 0);
  await outbox.add({ do: 'stop', task_id: first.id });
  await until('it stops', () => outbox.entries().every(({ action }) => action.do !== 'stop'));
  t.deepEqual(await said(), []);
  t.truthy((await api.call('getTask', { params: first })).cancel_reason);
});

test('a message can be taken back while its files are being uploaded', async (t) => {
  const { first, line, openWindow, said } = await startUploading(t);
  const outbox = openWindow();
  const key = await outbox.add({ do: 'say', task_id: first.id, body: { text: 'Look', attachments: [newId()] } });
  await until('it is being uploaded', () => line.uploads.length > 0);
  t.truthy(await outbox.takeBack(key));
  line.resolve();
  await outbox.add({ do: 'say', task_id: first.id, body: { text: 'Never mind' } });
  await until('what is behind it has come', async () => (await said()).length > 0);
  t.deepEqual(await said(), ['Never mind']);
});

test('two windows upload a file once', async (t) => {
  const { first, line, openWindow, said } = await startUploading(t);
  const [one, other] = [openWindow(), openWindow()];
  await one.add({ do: 'say', task_id: first.id, body: { text: 'Look', attachments: [newId()] } });
  await until('it is being uploaded', () => line.uploads.length > 0);
  await other.flush();
  line.resolve();
  await until('it has come', async () => (await said()).length > 0);
  await other.add({ do: 'say', task_id: first.id, body: { text: 'Done' } });
  await until('the other window goes on', async () => (await said()).length > 1);
  t.is(line.uploads.length, 1);
});

test('an upload that breaks off while the server answers otherwise holds up its own errand alone', async (t) => {
  const { first, second, said, openWindow, line } = await startUploading(t);
  const [broken, whole] = [newId(), newId()];
  const outbox = openWindow(
    () => true,
    (ids) => (ids.includes(broken) ? Promise.reject(new Unreachable('The upload of a.txt broke off.')) : undefined),
  );
  line.resolve();
  await outbox.add({ do: 'say', task_id: second.id, body: { text: 'Large', attachments: [broken] } });
  await outbox.add({ do: 'say', task_id: first.id, body: { text: 'Small', attachments: [whole] } });
  await until('the other has come', async () => (await said()).length === 1);
  t.like(outbox.entries()[0], { failed: { detail: 'The upload of a.txt broke off.', attempts: 1 } });
});

test('an upload that breaks off while the server cannot be reached is not noted as failed', async (t) => {
  const { first, openWindow } = await startUploading(t);
  let reachable = true;
  const outbox = openWindow(
    () => reachable,
    () => {
      reachable = false;
      return Promise.reject(new Unreachable('The upload of a.txt broke off.'));
    },
  );
  await outbox.add({ do: 'say', task_id: first.id, body: { text: 'Look', attachments: [newId()] } });
  await until('it was tried', () => !reachable);
  await outbox.flush();
  t.is(outbox.entries()[0]?.failed, undefined);
});

test('a file that is added while the last upload ends is uploaded too', async (t) => {
  const { first, line, openWindow, said } = await startUploading(t);
  const outbox = openWindow();
  line.resolve();
  const texts = Array.from({ length: 10 }, (_, i) => `picture ${i}`);
  for (const text of texts) {
    await outbox.add({ do: 'say', task_id: first.id, body: { text, attachments: [newId()] } });
    for (let turn = 0; turn < line.uploads.length; turn++) await new Promise(setImmediate);
  }
  await until('all have come', async () => (await said()).length === texts.length);
  t.deepEqual(await said(), texts);
});

test('what was uploaded is sent at once, whether there is a connection or not', async (t) => {
  const { first, line, openWindow, said } = await startUploading(t);
  let reachable = true;
  const outbox = openWindow(() => reachable);
  await outbox.add({ do: 'say', task_id: first.id, body: { text: 'Look', attachments: [newId()] } });
  await until('it is being uploaded', () => line.uploads.length > 0);
  reachable = false;
  line.resolve();
  await until('it has come', async () => (await said()).length > 0);
  t.deepEqual(await said(), ['Look']);
});

test('what one window has uploaded and could not send, another one sends without a second upload', async (t) => {
  const { proxy, first, line, openWindow, said } = await startUploading(t);
  let lost = 0;
  proxy.answer = ({ url = '', method }, response) => {
    const isLost = method === 'POST' && url.endsWith('/messages');
    if (isLost) response.destroy();
    if (isLost) lost++;
    return isLost;
  };
  line.resolve();
  await openWindow().add({ do: 'say', task_id: first.id, body: { text: 'Look', attachments: [newId()] } });
  await until('it is lost', () => lost > 0);
  proxy.answer = () => false;
  const other = openWindow();
  await other.load();
  await until('it has come', async () => {
    await other.flush();
    return (await said()).length > 0;
  });
  t.is(line.uploads.length, 1);
});

test('an upload that is taken back ends, and the next one begins', async (t) => {
  const { first, second, line, openWindow, said } = await startUploading(t);
  const outbox = openWindow();
  const key = await outbox.add({ do: 'say', task_id: first.id, body: { text: 'Look', attachments: [newId()] } });
  await until('it is being uploaded', () => line.uploads.length > 0);
  await outbox.add({ do: 'say', task_id: second.id, body: { text: 'See', attachments: [newId()] } });
  t.is(line.uploads.length, 1);
  t.truthy(await outbox.takeBack(key));
  await until('the next one is being uploaded', () => line.uploads.length > 1);
  line.resolve();
  await until('it has been sent', () => outbox.entries().every((entry) => entry.message_id !== undefined));
  t.deepEqual(await said(), []);
});
