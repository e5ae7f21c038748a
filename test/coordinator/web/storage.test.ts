import 'fake-indexeddb/auto';
import test from 'ava';
import type { LogEvent } from '../../../protocol/events.ts';
import type { Task } from '../../../protocol/task.ts';
import { Database } from '../../../coordinator/web/store/database.ts';
import { mirrorStorage, outboxStorage, pruneLogs, textStorage } from '../../../coordinator/web/store/storage.ts';

const task = (id: string) => ({ id, title: id }) as Task;
const event = (id: number, task_id: string): LogEvent => ({
  id,
  task_id,
  attempt: 1,
  seq: null,
  type: 'log',
  at: '2026-01-01T00:00:00.000Z',
  body: {},
});

test('what is known is stored with its cursor, and the log of an errand comes back in order', async (t) => {
  const storage = mirrorStorage(new Database('known'));
  t.is(await storage.load(), undefined);
  await storage.save({ cursor: 6, epoch: 'e', older: 'n.a' });
  await storage.save({ cursor: 7, tasks: [task('a'), task('b')], events: [event(9, 'a'), event(2, 'a')] });
  await storage.save({ cursor: 10, events: [event(10, 'a'), event(3, 'b')], removed: ['b'] });
  t.like(await storage.load(), { cursor: 10, epoch: 'e', older: 'n.a', tasks: [{ id: 'a' }] });
  t.deepEqual(
    (await storage.loadEvents('a', 100)).map(({ id }) => id),
    [2, 9, 10],
  );
  t.deepEqual(
    (await storage.loadEvents('a', 2)).map(({ id }) => id),
    [9, 10],
  );
  t.deepEqual(
    (await storage.loadEvents('a', 5, 9)).map(({ id }) => id),
    [2],
    'those before an event',
  );
  await storage.save({ log_restarts: 'a', events: [event(20, 'a')] });
  t.is((await storage.loadEvents('a', 100)).length, 1, 'a log that restarts has nothing of before');
  await storage.save({ forget: true });
  t.is(await storage.load(), undefined);
  t.deepEqual(await storage.loadEvents('a', 100), []);
});

test('a database that the browser has closed is opened again', async (t) => {
  const database = new Database('closed');
  const texts = textStorage(database);
  await texts.write('draft', 'half a sentence');
  await database.use(async (db) => db.close());
  t.is(await texts.read('draft'), 'half a sentence');
  await texts.write('draft', '');
  t.is(await texts.read('draft'), undefined);
});

test('the outbox keeps its order', async (t) => {
  const storage = outboxStorage(new Database('outbox'));
  for (const key of ['01c', '01a', '01b'])
    await storage.put({ key, at: '', action: { do: 'stop', task_id: 't' }, tried: false });
  t.deepEqual(
    (await storage.load()).map(({ key }) => key),
    ['01a', '01b', '01c'],
  );
});

test('the logs of the newest errands are kept', async (t) => {
  const database = new Database('logs');
  const storage = mirrorStorage(database);
  const ids = Array.from({ length: 45 }, (_, i) => `errand-${String(i).padStart(2, '0')}`);
  await storage.save({ events: ids.flatMap((id, i) => [event(i * 2 + 1, id), event(i * 2 + 2, id)]) });
  await pruneLogs(database);
  t.is((await storage.loadEvents(ids[4] ?? '', 100)).length, 0);
  t.is((await storage.loadEvents(ids[5] ?? '', 100)).length, 2);
  t.is((await storage.loadEvents(ids[44] ?? '', 100)).length, 2);
});
