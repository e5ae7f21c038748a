import test from 'ava';
import { addErrands } from '../../support/many-errands.ts';
import { startApi } from '../../support/start-api.ts';
import { newDevice, startDevice } from '../../support/web/device.ts';

const OLD = 250;
const NEW = 1_000;
const ended_at = new Date().toISOString();

test('a new device knows each errand that needs its person, however old, and reads the others on demand', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const old = (['waiting', 'parked', 'cancelled'] as const).flatMap((status) =>
    addErrands(server.log, session.user.id, 1, () => ({ status, title: status })),
  );
  addErrands(server.log, session.user.id, OLD, () => ({ status: 'cancelled', ended_at }));
  const [changes] = addErrands(server.log, session.user.id, NEW, () => ({ status: 'cancelled', ended_at }));
  const device = await newDevice(t, server.url, session);
  await device.isLive();
  t.is(device.mirror.tasks().length, 1_000, 'a start reads only these');
  t.deepEqual(
    old.map(({ id }) => device.mirror.task(id)?.status),
    ['waiting', 'parked', undefined],
  );
  t.true(device.mirror.has_older);
  await device.mirror.older();

  // It goes on where it was, in its next life too.
  await device.close();
  const later = await startDevice(t, device.storage);
  await later.isLive();
  t.is(later.mirror.tasks().length, 1_200);
  await api.call('patchTask', { params: { id: changes?.id ?? '' }, body: { archived: true } });
  while (later.mirror.has_older) await later.mirror.older();
  t.is(new Set(later.mirror.tasks().map(({ id }) => id)).size, OLD + NEW + old.length);
  t.is(later.storage.tasks.size, OLD + NEW + old.length);
});

test('a device that an older app has left with the newest errands alone learns what else there is', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  addErrands(server.log, session.user.id, NEW + 1, (i) => (i === 0 ? { status: 'waiting' } : { status: 'cancelled' }));
  const device = await newDevice(t, server.url, session);
  await device.isLive();
  await device.close();
  const { known } = device.storage;
  device.storage.known = known && { cursor: known.cursor, epoch: known.epoch };
  for (const { id, status } of device.storage.tasks.values()) if (status === 'waiting') device.storage.tasks.delete(id);
  const later = await startDevice(t, device.storage);
  await later.isLive();
  t.true(later.mirror.tasks().some(({ status }) => status === 'waiting'));
  t.true(later.mirror.has_older);
});
