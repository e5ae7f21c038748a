import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { advance } from '../../../coordinator/tasks/advance.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { nextRetryIn, nextTask, queuePlace, queuePlaces } from '../../../coordinator/tasks/queue.ts';
import type { Db } from '../../../coordinator/sqlite/database.ts';
import { openDatabase } from '../../../coordinator/sqlite/open-database.ts';
import { markServed, QUEUE } from '../../../coordinator/sqlite/queue.ts';
import { findTask } from '../../../coordinator/sqlite/tasks.ts';
import { addTask, addUser, time } from '../../support/dispatching.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';

async function openEmpty(t: ExecutionContext): Promise<{ db: Db; log: EventLog }> {
  const db = openDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  return { db, log: new EventLog({ db, logger: SILENT }) };
}

/** Starts the next task, as the dispatcher does. */
function startNext(log: EventLog): string {
  return log.write((tx) => {
    const id = nextTask(tx.db, time(), []);
    const task = id === undefined ? undefined : findTask(tx.db, id);
    if (!task) throw new Error('The queue is empty.');
    advance(tx, task, { type: 'attempt_started', at: time() });
    markServed(tx.db, task.user_id, time());
    return task.id;
  });
}

function succeed(log: EventLog, id: string): void {
  log.write((tx) => {
    const task = findTask(tx.db, id);
    if (!task) throw new Error('There is no such task.');
    advance(tx, task, { type: 'attempt_ended', status: 'succeeded', reason: null, detail: null, at: time() });
  });
}

test('a higher priority comes first, then the older task', async (t) => {
  const { db } = await openEmpty(t);
  const user = addUser(db);
  const younger = addTask(db, user, { queued_at: time(-1_000) });
  const older = addTask(db, user, { queued_at: time(-2_000) });
  const urgent = addTask(db, user, { queued_at: time(), priority: 5 });
  t.is(nextTask(db, time(), []), urgent.id);
  t.is(nextTask(db, time(), [urgent.id]), older.id);
  t.deepEqual(
    [urgent, older, younger].map((task) => queuePlace(db, task, time())),
    [1, 2, 3],
  );
});

test("priority orders one person's own tasks: nobody's goes before those of others", async (t) => {
  const orderWith = async (priorities: number[]) => {
    const { db } = await openEmpty(t);
    const [loud, modest] = [addUser(db), addUser(db)];
    priorities.forEach((priority, i) => addTask(db, loud, { queued_at: time(-10_000 + i), priority }));
    for (let i = 0; i < 3; i++) addTask(db, modest, { queued_at: time(-5_000 + i), priority: -10 });
    return [...queuePlaces(db, time()).keys()].map((id) => (findTask(db, id)?.user_id === loud ? 'loud' : 'modest'));
  };
  const expected = ['loud', 'modest', 'loud', 'modest', 'loud', 'modest'];
  for (const priorities of [
    [0, 0, 0],
    [10, 10, 10],
    [-10, 0, 10],
    [-10, -10, -10],
  ])
    t.deepEqual(await orderWith(priorities), expected, priorities.join());
});

for (const places of [1, 2])
  test(`a burst of one user does not starve another, with ${places} running at once`, async (t) => {
    const { db, log } = await openEmpty(t);
    const [busy, modest] = [addUser(db), addUser(db)];
    for (let i = 0; i < 6; i++) addTask(db, busy, { queued_at: time(-10_000 + i) });
    const at_work = Array.from({ length: places }, () => startNext(log));
    const one = addTask(db, modest, { queued_at: time(-100) });
    const two = addTask(db, modest, { queued_at: time(-50) });
    const order: string[] = [];
    for (let i = 0; i < 4; i++) {
      succeed(log, at_work.shift() ?? '');
      at_work.push(startNext(log));
      order.push(at_work.at(-1) ?? '');
    }
    t.is(order[0], one.id);
    t.true(order.includes(two.id));
    t.true(order.filter((id) => findTask(db, id)?.user_id === busy).length >= 1);
  });

test('tasks start in the order of their places', async (t) => {
  const { db, log } = await openEmpty(t);
  const [a, b] = [addUser(db), addUser(db)];
  for (let i = 0; i < 4; i++) addTask(db, a, { queued_at: time(-10_000 + i) });
  for (let i = 0; i < 2; i++) addTask(db, b, { queued_at: time(-5_000 + i) });
  const places = [...queuePlaces(db, time()).keys()];
  t.is(places.length, 6);
  t.deepEqual(
    places.map((id) => (findTask(db, id)?.user_id === a ? 'a' : 'b')),
    ['a', 'b', 'a', 'b', 'a', 'a'],
  );
  const starts = Array.from({ length: 6 }, () => startNext(log));
  t.deepEqual(starts, places);
});

test('a task that waits for its retry_at comes last and does not start before', async (t) => {
  const { db } = await openEmpty(t);
  const user = addUser(db);
  const now = time();
  const later = addTask(db, user, { priority: 10, retry_at: new Date(Date.parse(now) + 5_000).toISOString() });
  t.is(nextTask(db, now, []), undefined);
  t.is(nextRetryIn(db, now), 5_000);
  const ready = addTask(db, user, { priority: -10 });
  t.is(nextTask(db, now, []), ready.id);
  t.is(queuePlace(db, later, now), 2);
  t.is(nextTask(db, time(6_000), []), later.id);
});

test('a retry_at from before the clock was set back is ignored', async (t) => {
  const { db } = await openEmpty(t);
  const task = addTask(db, addUser(db), { queued_at: time(3600_000), retry_at: time(2 * 3600_000) });
  t.is(nextTask(db, time(), []), task.id);
  t.is(nextRetryIn(db, time()), null);
});

test('a clock that is corrected by seconds ends no wait', async (t) => {
  const { db } = await openEmpty(t);
  const user_id = addUser(db);
  addTask(db, user_id, { queued_at: time(), retry_at: time(2 * 3600_000) });
  for (const step_ms of [-1, -1_000, -50_000, 1_000]) {
    t.is(nextTask(db, time(step_ms), []), undefined, `${step_ms} ms`);
    t.not(nextRetryIn(db, time(step_ms)), null);
  }
});

test('a task that is not queued has no place', async (t) => {
  const { db, log } = await openEmpty(t);
  const task = addTask(db, addUser(db));
  startNext(log);
  t.is(queuePlace(db, findTask(db, task.id) ?? task, time()), null);
  t.is(nextRetryIn(db, time()), null);
});

test('the queue query reads only queued and active tasks, through indexes', async (t) => {
  const { db } = await openEmpty(t);
  const plan = db
    .prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${QUEUE}`)
    .all({ now: time(), busy: '[]' })
    .map(({ detail }) => detail)
    .filter((detail) => / tasks /.test(detail));
  t.deepEqual(plan, [
    'SCAN tasks USING COVERING INDEX tasks_queued',
    'SEARCH tasks USING INDEX tasks_active (status=?)',
  ]);
});
