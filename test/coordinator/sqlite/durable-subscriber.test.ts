import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { openTestDatabase } from '../../support/test-database.ts';
import { DurableSubscriber } from '../../../coordinator/sqlite/durable-subscriber.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { insertEvents } from '../../../coordinator/sqlite/events.ts';
import { findSubscriberCursor } from '../../../coordinator/sqlite/subscribers.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { addTask, addUser } from '../../support/fixtures.ts';
import { SILENT } from '../../support/silent.ts';
import { until } from '../../support/until.ts';

const WRITER = join(import.meta.dirname, '../../support/durable-writer.ts');

async function open(t: ExecutionContext) {
  const path = join(await temporaryFolder(t), 'errand.db');
  const db = openTestDatabase(path);
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const task = addTask(log, addUser(log));
  /** Stores an event of the type that is subscribed to. Gives its id. */
  const budget = (budget_usd: number) =>
    log.write((tx) => tx.note(task, { type: 'task.budget', body: { budget_usd } }, task.created_at).id);
  /** Stores this many events of another type in one transaction. */
  const others = (count: number) =>
    log.write((tx) => {
      for (let n = 0; n < count; n++)
        tx.note(task, { type: 'message.received', body: { message_id: task.id, text: 'x' } }, task.created_at);
    });
  const other = () => others(1);
  /** A subscriber that is started, and stops with the test. */
  const subscribe = (handle: (id: number) => Promise<void> | void) => {
    const subscriber = new DurableSubscriber({
      log,
      logger: SILENT,
      name: 'test',
      types: ['task.budget'],
      handle: ({ id }) => handle(id),
    });
    subscriber.start();
    t.teardown(() => subscriber.stop());
    return subscriber;
  };
  return { path, db, log, task, budget, other, others, subscribe };
}

test('it gets the events of its types after its first start, in order, and no other', async (t) => {
  const { budget, other, subscribe } = await open(t);
  budget(1);
  const seen: number[] = [];
  subscribe((id) => void seen.push(id));
  const ids = [budget(2), budget(3)];
  other();
  ids.push(budget(4));
  await until('all are handled', () => seen.length === 3);
  t.deepEqual(seen, ids);
});

test('after a restart it goes on where it was, with what came meanwhile', async (t) => {
  const { db, budget, subscribe } = await open(t);
  const seen: number[] = [];
  const first = subscribe((id) => void seen.push(id));
  const ids = [budget(1)];
  await until('the cursor is stored', () => findSubscriberCursor(db, 'test') === ids[0]);
  await first.stop();
  ids.push(budget(2), budget(3));
  subscribe((id) => void seen.push(id));
  await until('all are handled', () => seen.length === 3);
  t.deepEqual(seen, ids);
});

test('an event that cannot be handled is tried again, and holds back those after it', async (t) => {
  const { budget, subscribe } = await open(t);
  const tried: number[] = [];
  let fails = true;
  subscribe((id) => {
    tried.push(id);
    if (!fails) return;
    fails = false;
    throw new Error('not now');
  });
  const [one, two] = [budget(1), budget(2)];
  await until('both are handled', () => tried.length === 3);
  t.deepEqual(tried, [one, one, two]);
});

test('an event that was not handled to its end before a stop comes again', async (t) => {
  const { db, budget, subscribe } = await open(t);
  const begun: number[] = [];
  const held = Promise.withResolvers<void>();
  const first = subscribe((id) => {
    begun.push(id);
    return held.promise;
  });
  const id = budget(1);
  await until('it has begun', () => begun.length === 1);
  t.true((findSubscriberCursor(db, 'test') ?? Infinity) < id);
  const stopped = first.stop();
  held.reject(new Error('cut off'));
  await stopped;
  subscribe((again) => void begun.push(again));
  await until('it came again', () => begun.length === 2);
  t.deepEqual(begun, [id, id]);
});

test('a long log without events of its types is passed over once, not at each start', async (t) => {
  const { db, budget, others, subscribe } = await open(t);
  const first = subscribe(() => undefined);
  others(2_500);
  await until('the cursor has moved on', () => (findSubscriberCursor(db, 'test') ?? 0) >= 2_000);
  await first.stop();
  const seen: number[] = [];
  subscribe((id) => void seen.push(id));
  const id = budget(1);
  await until('the next one is handled', () => seen.length === 1);
  t.deepEqual(seen, [id]);
});

test('whenever others commit, before, between and while it handles, it gets each of its events once, in order', async (t) => {
  const { budget, other, subscribe } = await open(t);
  let seed = 7;
  const pick = (count: number) => (seed = (seed * 48_271) % 2_147_483_647) % count;
  const ids: number[] = [];
  const commit = () => (pick(3) === 0 ? void ids.push(budget(1)) : other());
  const seen: number[] = [];
  const subscriber = subscribe(async (id) => {
    seen.push(id);
    for (let turn = pick(3); turn > 0; turn--) await Promise.resolve();
    if (pick(4) === 0) commit();
  });
  for (let round = 0; round < 300; round++) {
    for (let count = pick(3); count > 0; count--) commit();
    for (let turn = pick(4); turn > 0; turn--) await Promise.resolve();
    if (pick(3) === 0) for (let turn = pick(8); turn > 0; turn--) await new Promise(setImmediate);
  }
  await until('all are handled', () => seen.length >= ids.length);
  t.deepEqual(seen, ids);
  await subscriber.stop();
});

test('what is not for it, it passes over without reading, however much comes, and its cursor follows', async (t) => {
  const { db, task, budget, others, subscribe } = await open(t);
  const seen: number[] = [];
  subscribe((id) => void seen.push(id));
  const cursor = () => findSubscriberCursor(db, 'test') ?? 0;
  const first = budget(1);
  await until('it has caught up', () => cursor() === first);
  // No commit tells of this event of its type: only who reads the log gets it.
  const { id: task_id, user_id, created_at: at } = task;
  insertEvents(db, [{ task_id, user_id, attempt: 1, seq: null, type: 'task.budget', at, body: '{}' }]);
  for (const count of [1_100, 1, 2_200]) others(count);
  await until('its cursor has followed', () => cursor() > first + 2_000);
  const last = budget(2);
  await until('the last one is handled', () => seen.at(-1) === last);
  t.deepEqual(seen, [first, last]);
});

test('what comes for others while it handles an event, it does not read either', async (t) => {
  const { db, task, budget, others, subscribe } = await open(t);
  const seen: number[] = [];
  const { id: task_id, user_id, created_at: at } = task;
  subscribe((id) => {
    if (seen.push(id) > 1) return;
    others(1);
    // No commit tells of this one: only who reads the log gets it.
    insertEvents(db, [{ task_id, user_id, attempt: 1, seq: null, type: 'task.budget', at, body: '{}' }]);
  });
  const first = budget(1);
  await until('its cursor follows again', () => {
    if (seen.length > 0) others(1_100);
    return (findSubscriberCursor(db, 'test') ?? 0) > first;
  });
  const last = budget(2);
  await until('the last one is handled', () => seen.at(-1) === last);
  t.deepEqual(seen, [first, last]);
});

test('killed again and again, it gets every event at least once, in order', async (t) => {
  const { path, db, log, task } = await open(t);
  const file = `${path}.seen`;
  const seen = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : []);
  const stored = () =>
    db.prepare<[], number>("SELECT id FROM events WHERE type = 'task.budget' ORDER BY id").pluck().all();
  const run = (events: number) =>
    spawn(process.execPath, [WRITER, path, file, task.id, task.user_id, String(events)], { stdio: 'inherit' });
  for (let kills = 1; kills <= 5; kills++) {
    const before = seen().length;
    const child = run(100_000);
    await until('some more were handled', () => seen().length >= before + 20);
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const last = run(0);
  t.teardown(() => last.kill('SIGKILL'));
  await until('the last one is handled', () => seen().at(-1) === stored().at(-1));
  const first_times = seen().filter((id, i, all) => all.indexOf(id) === i);
  t.deepEqual(first_times, stored());
  t.true(seen().length - first_times.length <= 5, 'only the one under way at each kill comes again');
  log.db.pragma('wal_checkpoint(PASSIVE)');
});
