import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { advance } from '../../../coordinator/tasks/advance.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { endWaits, queuePlaces } from '../../../coordinator/tasks/queue.ts';
import { taskViews } from '../../../coordinator/tasks/task-views.ts';
import type { Db } from '../../../coordinator/sqlite/database.ts';
import { openTestDatabase } from '../../support/test-database.ts';
import { markServed, nextTask, QUEUE } from '../../../coordinator/sqlite/queue.ts';
import type { TaskRow } from '../../../coordinator/domain/task.ts';
import { findTask } from '../../../coordinator/sqlite/tasks.ts';
import { addTask, addUser, time } from '../../support/dispatching.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { Random } from '../../support/random.ts';
import { SILENT } from '../../support/silent.ts';

async function openEmpty(t: ExecutionContext): Promise<{ db: Db; log: EventLog }> {
  const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  return { db, log: new EventLog({ db, logger: SILENT }) };
}

/** Two users in the order in which they get their turn: nobody was served yet, so their ids decide. */
function twoUsers(db: Db): [string, string] {
  const [first, second] = [addUser(db), addUser(db)];
  return first < second ? [first, second] : [second, first];
}

let served = 0;

/** Starts the next task, as the dispatcher does. */
function startNext(log: EventLog): string {
  return log.write((tx) => {
    const id = nextTask(tx.db, []);
    const task = id === undefined ? undefined : findTask(tx.db, id);
    if (!task) throw new Error('The queue is empty.');
    advance(tx, task, { type: 'attempt_started', at: time() });
    markServed(tx.db, task.user_id, time(served++));
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
  t.is(nextTask(db, []), urgent.id);
  t.is(nextTask(db, [urgent.id]), older.id);
  t.deepEqual(
    [urgent, older, younger].map((task) => queuePlaces(db, user, [task]).get(task.id)),
    [1, 2, 3],
  );
});

test("priority orders one person's own tasks: nobody's goes before those of others", async (t) => {
  for (const priorities of [
    [0, 0, 0],
    [10, 10, 10],
    [-10, 0, 10],
    [-10, -10, -10],
  ]) {
    const { db } = await openEmpty(t);
    const [loud, modest] = twoUsers(db);
    const loud_tasks = priorities.map((priority, i) => addTask(db, loud, { queued_at: time(-10_000 + i), priority }));
    const modest_tasks = [0, 1, 2].map((i) => addTask(db, modest, { queued_at: time(-5_000 + i), priority: -10 }));
    const places = (user_id: string, tasks: { id: string }[]) =>
      [...queuePlaces(db, user_id, tasks).values()].sort((a, b) => a - b);
    t.deepEqual(
      [places(loud, loud_tasks), places(modest, modest_tasks)],
      [
        [1, 3, 5],
        [2, 4, 6],
      ],
      priorities.join(),
    );
  }
});

for (const places of [1, 2])
  test(`a burst of one user does not starve another, with ${places} running at once`, async (t) => {
    const { db, log } = await openEmpty(t);
    const [busy, modest] = twoUsers(db);
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
  const [a, b] = twoUsers(db);
  const tasks = [
    ...Array.from({ length: 4 }, (_, i) => addTask(db, a, { queued_at: time(-10_000 + i) })),
    ...Array.from({ length: 2 }, (_, i) => addTask(db, b, { queued_at: time(-5_000 + i) })),
  ];
  const places = inOrder(db, tasks);
  t.deepEqual(
    places.map((id) => (findTask(db, id)?.user_id === a ? 'a' : 'b')),
    ['a', 'b', 'a', 'b', 'a', 'a'],
  );
  const starts = Array.from({ length: 6 }, () => startNext(log));
  t.deepEqual(starts, places);
});

test('whatever is queued and at work, tasks start in the order of their places', async (t) => {
  const random = new Random(9);
  for (let run = 0; run < 10; run++) {
    const { db, log } = await openEmpty(t);
    const users = Array.from({ length: 7 }, () => addUser(db));
    const tasks = Array.from({ length: 60 }, () => {
      // Squared: some users have many tasks, and some have none.
      const user = users[Math.floor(users.length * random.next() ** 2)] ?? '';
      return addTask(db, user, { queued_at: time(-random.whole(0, 1e6)), priority: random.whole(0, 2) });
    });
    for (let i = 0; i < 20; i++) {
      const started = startNext(log);
      if (random.next() < 0.7) succeed(log, started);
    }
    const queued = tasks.filter(({ id }) => findTask(db, id)?.status === 'queued');
    const places = inOrder(db, queued);
    const busy = places.slice(0, 3);
    t.false(busy.includes(nextTask(db, busy) ?? ''));
    const starts = queued.map(() => startNext(log));
    t.deepEqual(starts, places, `run ${run}`);
    t.is(nextTask(db, []), undefined);
  }
});

test("a priority counts among its user's tasks alone", async (t) => {
  const { db, log } = await openEmpty(t);
  const [a, b] = twoUsers(db);
  const modest = addTask(db, a, { priority: -10 });
  const urgent = Array.from({ length: 3 }, (_, i) => addTask(db, b, { priority: 10, queued_at: time(i) }));
  t.deepEqual(
    inOrder(db, [modest, ...urgent]),
    [modest, ...urgent].map(({ id }) => id),
  );
  t.is(startNext(log), modest.id);
});

test('the counts of each user follow every change of a task', async (t) => {
  const { db, log } = await openEmpty(t);
  const user = addUser(db);
  const counts = () => db.prepare('SELECT ready, at_work FROM users WHERE id = ?').raw().get(user);
  const [task, later] = [addTask(db, user), addTask(db, user, { retry_at: time(1_000) })];
  t.deepEqual(counts(), [1, 0]);
  endWaits(log, time(2_000));
  t.deepEqual(counts(), [2, 0]);
  const started = startNext(log);
  t.deepEqual(counts(), [1, 1]);
  const end = { type: 'attempt_ended', status: 'failed', reason: 'worker_lost', detail: null, at: time() } as const;
  log.write((tx) => advance(tx, findTask(tx.db, started) ?? task, end));
  t.deepEqual(counts(), [1, 0], 'it waits for its next attempt');
  log.write((tx) => advance(tx, findTask(tx.db, later.id) ?? later, { type: 'cancel', reason: '', at: time() }));
  t.deepEqual(counts(), [0, 0]);
  addTask(db, user);
  db.prepare('DELETE FROM tasks').run();
  t.deepEqual(counts(), [0, 0]);
  t.throws(() =>
    log.write((tx) => {
      addTask(tx.db, user);
      throw new Error('undone');
    }),
  );
  t.deepEqual(counts(), [0, 0]);
});

test('a task that waits for its retry_at comes last and does not start before', async (t) => {
  const { db, log } = await openEmpty(t);
  const user = addUser(db);
  const now = time();
  const later = addTask(db, user, { priority: 10, retry_at: new Date(Date.parse(now) + 5_000).toISOString() });
  t.is(endWaits(log, now), 5_000);
  t.is(nextTask(db, []), undefined);
  const ready = [addTask(db, user, { priority: -10 }), addTask(db, addUser(db))];
  t.true(ready.some(({ id }) => id === nextTask(db, [])));
  t.is(queuePlaces(db, later.user_id, [later]).get(later.id), 3);
  t.is(endWaits(log, time(6_000)), null);
  t.is(nextTask(db, []), later.id);
  t.is(findTask(db, later.id)?.retry_at, null);
});

test('any number of waits can end at once', async (t) => {
  const { db, log } = await openEmpty(t);
  const user = addUser(db);
  log.write(() => {
    for (let i = 0; i < 1_200; i++) addTask(db, user, { retry_at: time(1_000) });
  });
  let turns = 0;
  while (endWaits(log, time(2_000)) !== null) turns++;
  t.true(turns > 1, 'one transaction does not hold the loop for all');
  t.is(queuePlaces(db, user, []).size, 0);
  t.is(db.prepare('SELECT ready FROM users WHERE id = ?').pluck().get(user), 1_200);
});

test('a retry_at from before the clock was set back is ignored', async (t) => {
  const { db, log } = await openEmpty(t);
  const task = addTask(db, addUser(db), { queued_at: time(3600_000), retry_at: time(2 * 3600_000) });
  t.is(endWaits(log, time()), null);
  t.is(nextTask(db, []), task.id);
});

test('a clock that is corrected by seconds ends no wait', async (t) => {
  const { db, log } = await openEmpty(t);
  const user_id = addUser(db);
  addTask(db, user_id, { queued_at: time(), retry_at: time(2 * 3600_000) });
  for (const step_ms of [-1, -1_000, -50_000, 1_000]) {
    t.not(endWaits(log, time(step_ms)), null);
    t.is(nextTask(db, []), undefined, `${step_ms} ms`);
  }
});

test('a task that is not queued has no place', async (t) => {
  const { db, log } = await openEmpty(t);
  const task = addTask(db, addUser(db));
  startNext(log);
  t.is(taskViews(db, [findTask(db, task.id) ?? task], null)[0]?.queue_place, null);
  t.is(endWaits(log, time()), null);
});

test('every statement of the queue reads an index in its order, and sorts nothing', async (t) => {
  const { db } = await openEmpty(t);
  for (const [name, text] of Object.entries(QUEUE)) {
    const parameters = Object.fromEntries([...text.matchAll(/:(\w+)/g)].map(([, key]) => [key, '[]']));
    const plan = db.prepare<unknown[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`).all(parameters);
    for (const { detail } of plan) {
      t.notRegex(detail, /TEMP B-TREE/, name);
      if (/^(SEARCH|SCAN) (tasks|users)/.test(detail)) t.regex(detail, / USING COVERING INDEX /, name);
    }
  }
});

/** The ids of these tasks by their places, which must all be there. */
function inOrder(db: Db, tasks: TaskRow[]): string[] {
  const of_user = Map.groupBy(tasks, ({ user_id }) => user_id);
  const places = [...of_user].flatMap(([user_id, own]) => [...queuePlaces(db, user_id, own)]);
  const in_order = places.toSorted(([, a], [, b]) => a - b);
  if (in_order.some(([, place], index) => place !== index + 1))
    throw new Error(`The places are ${in_order.join(' ')}.`);
  return in_order.map(([id]) => id);
}
