import { setImmediate as nextTurn } from 'node:timers/promises';
import test from 'ava';
import { newId } from '../../../protocol/ids.ts';
import type { Task, TaskChange } from '../../../protocol/task.ts';
import { advance } from '../../../coordinator/tasks/advance.ts';
import { shortTask, taskViews } from '../../../coordinator/tasks/task-views.ts';
import type { Db } from '../../../coordinator/sqlite/database.ts';
import { updatePlan } from '../../../coordinator/sqlite/progress.ts';
import { markRead } from '../../../coordinator/sqlite/read-marks.ts';
import { markRemoved } from '../../../coordinator/sqlite/removed.ts';
import { listTasks } from '../../../coordinator/sqlite/task-lists.ts';
import { TOMBSTONES_MAX } from '../../../coordinator/sqlite/tombstones.ts';
import { addUsage } from '../../../coordinator/sqlite/usage.ts';
import { startDeletion } from '../../support/deletion-scene.ts';
import { addLogEvents, addTask, addUser, endTask, runTask, taskOf } from '../../support/fixtures.ts';
import { LightClient } from '../../support/light-client.ts';
import { Random } from '../../support/random.ts';
import { setSocketScene as start } from '../../support/socket-scene.ts';
import { TestClient } from '../../support/test-client.ts';
import { until } from '../../support/until.ts';

type Scene = Awaited<ReturnType<typeof start>>['scene'];

/** All tasks of a user, as a list shows them. */
function listed(db: Db, user_id: string): Map<string, Task> {
  const tasks = taskViews(db, listTasks(db, { user_id, limit: 100_000 }), null);
  return new Map(tasks.map((task) => [task.id, { shortened: false, ...shortTask(task) }]));
}

/** The places of the first tasks alone are told, when another goes first. */
function withoutPlaces(tasks: ReadonlyMap<string, TaskChange>): [string, TaskChange][] {
  return [...tasks]
    .map(([id, task]): [string, TaskChange] => [
      id,
      task.status === 'queued' ? { ...task, queue_place: null, waiting_for: null } : task,
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function remove({ log }: Scene, id: string): void {
  log.write((tx) => {
    markRemoved(tx.db, 'task', id);
    tx.announce('removed');
  });
}

/** One thing that happens to a task, or to the list of them. */
function change(scene: Scene, user_id: string, random: Random): void {
  const { log } = scene;
  const tasks = [...listed(log.db, user_id).values()];
  const task = random.pick(tasks);
  const at = new Date().toISOString();
  const usage = { requests: 1, input_tokens: 2, cache_write_tokens: 0, cache_read_tokens: 0, output_tokens: 3 };
  const acts = [
    () => addLogEvents(log, addTask(log, user_id, { prompt: 'x'.repeat(random.whole(1, 6_000)) }), 1),
    () => task.status === 'queued' && runTask(log, task.id),
    () => task.status === 'running' && endTask(log, task.id, random.pick(['succeeded', 'failed'])),
    () => task.status === 'failed' && log.write((tx) => advance(tx, taskOf(log, task.id), { type: 'retry', at })),
    () => log.write((tx) => updatePlan(tx.db, task.id, [{ text: random.pick(['a', 'b']), status: 'done' }], at)),
    () => log.write((tx) => addUsage(tx.db, task.id, { ...usage, cost_usd: 0.01 }, at)),
    () => log.write((tx) => markRead(tx.db, task.id, Number.MAX_SAFE_INTEGER)),
    () => task.ended_at !== null && tasks.length > 3 && remove(scene, task.id),
  ];
  random.pick(acts)();
  // As their callers do, in one turn with the write.
  addLogEvents(log, { ...task, user_id }, 1);
  if (random.whole(0, 9) === 0) scene.relay.light.touch(user_id, task.id);
}

test('whatever happens, and however often it loses the connection, a phone ends with the list as it is', async (t) => {
  const random = new Random(7);
  const { scene, user_id } = await start(t, { socket_buffer_bytes_max: 2_000 });
  for (let n = 0; n < 450; n++) addTask(scene.log, user_id);
  const phone = new LightClient(scene.socket_url, user_id);
  for (let connections = 0; connections < 25; connections++) {
    await phone.connect();
    const [frames, changes] = [random.whole(1, 12), random.whole(0, 30)];
    for (let n = 0; n < changes; n++) change(scene, user_id, random);
    await phone.client.until(() => phone.client.frames.length >= frames || phone.client.of('caught_up').length > 0);
    for (let n = 0; n < changes; n++) change(scene, user_id, random);
    phone.take();
    await phone.client.close();
    for (let n = 0; n < changes; n++) change(scene, user_id, random);
  }
  await phone.connect();
  await phone.caughtUp();
  for (let n = 0; n < 20; n++) change(scene, user_id, random);
  const [last] = addLogEvents(scene.log, addTask(scene.log, user_id), 1);
  await phone.client.until(() => phone.client.of('tasks').some(({ cursor }) => cursor === last));
  phone.take();
  t.deepEqual(withoutPlaces(phone.tasks), withoutPlaces(listed(scene.log.db, user_id)));
  t.is(phone.client.of('events').length, 0);
  await phone.client.close();
});

test('of a task that changes only the fields that differ are sent, and its state', async (t) => {
  const { scene, user_id, task } = await start(t);
  const phone = new LightClient(scene.socket_url, user_id);
  await phone.connect();
  await phone.caughtUp();
  addLogEvents(scene.log, task, 1);
  await phone.client.until(() => phone.client.of('tasks').length === 2);
  t.is(phone.client.of('tasks')[1]?.tasks[0]?.prompt, task.prompt, 'the first time it is told whole');
  const at = new Date().toISOString();
  scene.log.write((tx) => updatePlan(tx.db, task.id, [{ text: 'Read', status: 'done' }], at));
  const [id = 0] = addLogEvents(scene.log, task, 1);
  await phone.client.until(() => phone.client.of('tasks').length === 3);
  const plan = [{ text: 'Read', status: 'done' as const }];
  t.deepEqual(phone.client.of('tasks')[2], {
    type: 'tasks',
    cursor: id,
    tasks: [
      {
        id: task.id,
        plan,
        updated_at: at,
        newest_event_id: id,
        status: 'queued',
        reason: null,
        waiting_for: { kind: 'queue', since: task.queued_at, place: 1 },
        queue_place: 1,
        ended_at: null,
        work: { ms: 0, since: null },
        archived: false,
        unread: false,
      },
    ],
  });
  await phone.client.close();
});

test('a list costs less than 2 kB per second while an errand makes 100 events per second', async (t) => {
  const { scene, user_id, task } = await start(t);
  runTask(scene.log, task.id);
  for (let n = 0; n < 30; n++) addTask(scene.log, user_id);
  const phone = new LightClient(scene.socket_url, user_id);
  await phone.connect();
  await phone.caughtUp();
  const before = scene.sentBytes();
  const started = performance.now();
  const usage = { requests: 1, input_tokens: 900, cache_write_tokens: 0, cache_read_tokens: 10_000, output_tokens: 60 };
  const makeOne = (made: number): void => {
    const at = new Date().toISOString();
    const body = JSON.stringify({ level: 'info', text: 'tool output '.repeat(300) });
    void scene.log.enqueue((tx) => {
      tx.append({ task_id: task.id, user_id, attempt: 1, seq: made + 1, type: 'log', at, body });
      addUsage(tx.db, task.id, { ...usage, cost_usd: 0.0123 }, at);
      updatePlan(tx.db, task.id, [{ text: `Step ${made}`, status: 'in_progress' }], at);
    });
  };
  for (let made = 0; made < 600;) {
    await nextTurn();
    // On a slow disk those that are due share a commit, as callbacks do.
    const due = Math.min(600, Math.ceil((performance.now() - started) / 10));
    while (made < due) makeOne(made++);
  }
  const seconds = (performance.now() - started) / 1000;
  const bytes = scene.sentBytes() - before;
  t.log(`${Math.round(bytes / seconds)} bytes/s, ${Math.round(600 / seconds)} events/s`);
  t.true(600 / seconds > 50, 'the errand was fast enough');
  t.true(bytes / seconds < 2_000);
  const told = () => JSON.stringify(phone.client.of('tasks'));
  t.true(phone.client.of('tasks').length >= 2, 'the list was told more than once meanwhile');
  await until('the list is current', () => told().includes('Step 599'));
  await phone.client.close();
});

test('after 10,000 missed events a phone is live with one frame for each errand that changed', async (t) => {
  const { scene, user_id, task } = await start(t);
  const other = addTask(scene.log, user_id);
  for (let n = 0; n < 50; n++) addTask(scene.log, user_id);
  addLogEvents(scene.log, task, 1);
  const phone = new LightClient(scene.socket_url, user_id);
  await phone.connect();
  await phone.caughtUp();
  await phone.client.close();
  for (let n = 0; n < 10; n++) addLogEvents(scene.log, n % 2 === 0 ? task : other, 1_000, 'x'.repeat(500));
  const before = scene.sentBytes();
  await phone.connect();
  await phone.caughtUp();
  t.deepEqual(
    phone.client.frames.map(({ type }) => type),
    ['hello', 'tasks', 'caught_up'],
  );
  t.deepEqual(
    phone.client
      .of('tasks')[0]
      ?.tasks.map(({ id }) => id)
      .sort(),
    [task.id, other.id].sort(),
  );
  t.true(scene.sentBytes() - before < 8_000);
  await phone.client.close();
});

test('clients that are connected are told of a removed errand at once, and others when they return', async (t) => {
  const { scene, user_id, task } = await start(t);
  const others = addTask(scene.log, addUser(scene.log));
  const ended = Array.from({ length: 3 }, () => addTask(scene.log, user_id, { status: 'succeeded' }));
  const [phone, tablet] = [1, 2].map(() => new LightClient(scene.socket_url, user_id));
  if (!phone || !tablet) return t.fail();
  for (const device of [phone, tablet]) {
    addLogEvents(scene.log, task, 1);
    await device.connect();
    await device.caughtUp();
  }
  await tablet.client.close();
  remove(scene, others.id);
  for (const { id } of ended) remove(scene, id);
  await phone.client.until(() => phone.client.of('removed').length === 3);
  t.deepEqual(
    phone.client.of('removed').flatMap(({ task_ids }) => task_ids),
    ended.map(({ id }) => id),
  );
  await tablet.connect();
  await tablet.caughtUp();
  t.deepEqual(tablet.client.of('removed')[0]?.task_ids.sort(), ended.map(({ id }) => id).sort());
  t.deepEqual([...tablet.tasks.keys()], [...listed(scene.log.db, user_id).keys()]);
  for (const device of [phone, tablet]) await device.client.close();
});

test('whoever missed more removals than are known starts over', async (t) => {
  const { scene, user_id, task } = await start(t);
  const phone = new LightClient(scene.socket_url, user_id);
  addLogEvents(scene.log, task, 1);
  await phone.connect();
  await phone.caughtUp();
  await phone.client.close();
  phone.tasks.set('gone', { id: newId() });
  scene.log.write((tx) => {
    const insert = tx.db.prepare('INSERT INTO tombstones (user_id, task_id, event_id) VALUES (?, ?, ?)');
    for (let n = 0; n < TOMBSTONES_MAX; n++) insert.run(user_id, newId(), phone.cursor);
  });
  await phone.connect();
  await phone.caughtUp();
  t.is(phone.client.of('start_over').length, 1);
  t.deepEqual([...phone.tasks.keys()], [task.id]);
  await phone.client.close();
});

test('who was away learns of each removed errand, also where the newest events went with another one', async (t) => {
  const { scene, user_id, task } = await start(t);
  const { deletion } = await startDeletion(t, scene.log);
  const [old, newest] = [1, 2].map(() => addTask(scene.log, user_id, { status: 'succeeded' }));
  if (!old || !newest) return t.fail();
  for (const each of [task, old, newest]) addLogEvents(scene.log, each, 1);
  const phone = new LightClient(scene.socket_url, user_id);
  await phone.connect();
  await phone.caughtUp();
  await phone.client.close();
  remove(scene, newest.id);
  t.true(await deletion.sweep(), 'its events are gone');
  remove(scene, old.id);
  addLogEvents(scene.log, task, 1);
  await phone.connect();
  await phone.caughtUp();
  t.deepEqual([...phone.tasks.keys()], [task.id]);
  await phone.client.close();
});

test('clients that are connected start over where more errands were removed at once than are known', async (t) => {
  const { scene, user_id, task } = await start(t);
  const { log } = scene;
  const ids = Array.from({ length: TOMBSTONES_MAX + 250 }, () => addTask(log, user_id, { status: 'succeeded' }).id);
  addLogEvents(log, task, 1);
  const phone = new LightClient(scene.socket_url, user_id);
  await phone.connect();
  await phone.caughtUp();
  t.is(phone.tasks.size, ids.length + 1);
  const oldest = new TestClient(scene.socket_url, user_id);
  await oldest.until(() => oldest.of('hello').length === 1);
  for (const task_id of [ids[0], task.id]) oldest.say({ type: 'subscribe', scope: 'log', task_id, after: 0 });
  await oldest.until(() => oldest.of('caught_up').length === 2);
  log.write((tx) => {
    for (const id of ids) markRemoved(tx.db, 'task', id);
    tx.announce('removed');
  });
  await phone.client.until(() => phone.client.of('caught_up').length === 2);
  phone.take();
  t.deepEqual([...phone.tasks.keys()], [task.id]);
  await oldest.until(() => oldest.of('removed').length === 2);
  t.deepEqual(oldest.of('removed')[1]?.task_ids, [ids[0]], 'the log that it follows, and not the other one');
  for (const client of [phone.client, oldest]) await client.close();
});

test('who follows nothing but the log of an errand learns that it was removed', async (t) => {
  const { scene, user_id } = await start(t);
  const { id } = addTask(scene.log, user_id, { status: 'succeeded' });
  const client = new TestClient(scene.socket_url, user_id);
  await client.until(() => client.of('hello').length === 1);
  client.say({ type: 'subscribe', scope: 'log', task_id: id, after: 0 });
  await client.until(() => client.of('caught_up').length === 1);
  remove(scene, id);
  await client.until(() => client.of('removed').length === 1);
  t.deepEqual(client.of('removed')[0]?.task_ids, [id]);
  await client.close();
});
