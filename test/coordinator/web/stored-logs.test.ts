import 'fake-indexeddb/auto';
import test from 'ava';
import type { Task } from '../../../protocol/task.ts';
import { Database } from '../../../coordinator/web/store/database.ts';
import { mirrorStorage, pruneLogs } from '../../../coordinator/web/store/storage.ts';
import { storedEvent as event } from '../../support/web/stored-event.ts';

const task = (id: string) => ({ id, title: id }) as Task;

test('a stored log has no gaps: events that are next to none of it are not stored', async (t) => {
  const storage = mirrorStorage(new Database('gaps'));
  const stored = async () => (await storage.loadEvents('a', 100)).map(({ id }) => id);
  await storage.save({ log_restarts: 'a', events: [event(5, 'a'), event(7, 'a')] });
  await storage.save({ events: [event(9, 'a')], beside: 7 });
  await storage.save({ events: [event(2, 'a'), event(3, 'a')], beside: 5 });
  t.deepEqual(await stored(), [2, 3, 5, 7, 9]);
  await storage.save({ events: [event(12, 'a')], beside: 11 });
  await storage.save({ events: [event(13, 'a')], beside: 12 });
  t.deepEqual(await stored(), [2, 3, 5, 7, 9]);
});

test('the log of an errand goes with it, but stays where only its list begins anew', async (t) => {
  const storage = mirrorStorage(new Database('unlisted'));
  const ids = ['a', 'b', 'c'];
  const events = ids.map((id, i) => event(i + 1, id));
  await storage.save({ cursor: 1, epoch: 'e', tasks: ids.map(task), events });
  await storage.save({ deleted: ['c'], removed: ['a'], unlisted: ['b'] });
  t.deepEqual((await storage.load())?.tasks, []);
  for (const id of ['a', 'c']) t.deepEqual(await storage.loadEvents(id, 10), []);
  t.is((await storage.loadEvents('b', 10)).length, 1);
});

test('the logs of the newest errands are kept, and of those that are open', async (t) => {
  const database = new Database('logs');
  const storage = mirrorStorage(database);
  const ids = Array.from({ length: 45 }, (_, i) => `errand-${String(i).padStart(2, '0')}`);
  await storage.save({ events: ids.flatMap((id, i) => [event(i * 2 + 1, id), event(i * 2 + 2, id)]) });
  await pruneLogs(database, new Set([ids[0] ?? '']));
  t.is((await storage.loadEvents(ids[0] ?? '', 100)).length, 2);
  t.is((await storage.loadEvents(ids[4] ?? '', 100)).length, 0);
  t.is((await storage.loadEvents(ids[5] ?? '', 100)).length, 2);
  t.is((await storage.loadEvents(ids[44] ?? '', 100)).length, 2);
});
