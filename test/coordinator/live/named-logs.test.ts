import test from 'ava';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { addLogEvents, addTask, addUser, runTask } from '../../support/fixtures.ts';
import { confirms } from '../../support/light-client.ts';
import { setSocketScene as start } from '../../support/socket-scene.ts';
import { TestClient } from '../../support/test-client.ts';

async function connect(url: string, user_id: string): Promise<TestClient> {
  const client = new TestClient(url, user_id);
  await client.until(() => client.of('hello').length === 1);
  return client;
}

async function follow(client: TestClient, task_id: string, more: object = {}): Promise<void> {
  const before = client.frames.length;
  client.say({ type: 'subscribe', scope: 'log', task_id, after: 0, ...more });
  await client.until(() => client.frames.slice(before).some((frame) => confirms(frame, 'log', task_id)));
}

test('a socket gets the logs that it named, each from its own cursor, and no other', async (t) => {
  const { scene, user_id, task } = await start(t);
  const [second, third] = [addTask(scene.log, user_id), addTask(scene.log, user_id)];
  const of_first = addLogEvents(scene.log, task, 450);
  const of_second = addLogEvents(scene.log, second, 3);
  addLogEvents(scene.log, third, 5);
  const client = await connect(scene.socket_url, user_id);
  await follow(client, task.id);
  await follow(client, second.id, { after: of_second[0] });
  const live = [
    addLogEvents(scene.log, third, 1),
    addLogEvents(scene.log, second, 2),
    addLogEvents(scene.log, task, 1),
  ];
  await client.until(() => client.ids().includes(live[2]?.[0] ?? 0));
  t.deepEqual(client.ids(), [...of_first, ...of_second.slice(1), ...(live[1] ?? []), ...(live[2] ?? [])]);
  for (const frame of client.of('events')) {
    t.is(frame.scope, 'log');
    for (const event of frame.events) t.is(event.task_id, frame.task_id ?? '');
  }
  client.say({ type: 'unsubscribe', scope: 'log', task_id: task.id });
  await follow(client, second.id, { after: Number.MAX_SAFE_INTEGER });
  addLogEvents(scene.log, task, 1);
  const [last = 0] = addLogEvents(scene.log, second, 1);
  await client.until(() => client.ids().includes(last));
  t.is(client.of('events').at(-2)?.events.at(-1)?.id, live[2]?.[0], 'nothing of the one it left');
  await client.close();
});

test('a socket gets the unfinished text and the state of the errands whose logs it follows', async (t) => {
  const { scene, user_id, task } = await start(t);
  const other = addTask(scene.log, user_id);
  for (const { id } of [task, other]) runTask(scene.log, id);
  const client = await connect(scene.socket_url, user_id);
  await follow(client, task.id);
  for (const { id } of [other, task]) scene.relay.deltas({ id, user_id }, 1, [{ ref: 'r', kind: 'text', text: id }]);
  await client.until(() => client.of('delta').length > 0);
  t.deepEqual(
    client.of('delta').map(({ task_id }) => task_id),
    [task.id],
  );
  t.deepEqual(
    client.of('state').map(({ task_id }) => task_id),
    [task.id],
  );
  await client.close();
});

test('long bodies are cut, unless the client asks for whole ones', async (t) => {
  const { scene, user_id, task } = await start(t);
  addLogEvents(scene.log, task, 1, 'é'.repeat(20_000));
  const bytes = Buffer.byteLength(JSON.stringify({ level: 'info', text: 'é'.repeat(20_000) }));
  const client = await connect(scene.socket_url, user_id);
  await follow(client, task.id);
  await follow(client, task.id, { bodies: 'whole' });
  addLogEvents(scene.log, task, 1, 'é'.repeat(20_000));
  await client.until(() => client.ids().length === 3);
  const [short, ...whole] = client.of('events').flatMap(({ events }) => events);
  t.is(short?.whole_bytes, bytes);
  t.true(JSON.stringify(short).length < LIMITS.short_body_bytes_max + 500);
  for (const event of whole) t.like(event, { body: { text: 'é'.repeat(20_000) }, whole_bytes: undefined });
  await client.close();
});

test('a subscription that cannot be is refused with its errand, and the others go on', async (t) => {
  const { scene, user_id, task } = await start(t);
  const foreign = addTask(scene.log, addUser(scene.log));
  const client = await connect(scene.socket_url, user_id);
  await follow(client, task.id);
  client.say({ type: 'subscribe', scope: 'log', after: 0 });
  client.say({ type: 'subscribe', scope: 'log', after: 0, task_id: foreign.id });
  client.say({ type: 'subscribe', scope: 'log', after: 0, task_id: newId() });
  client.say({ type: 'subscribe', scope: 'everything', after: 0 });
  for (let n = 1; n < LIMITS.socket_logs_max; n++) await follow(client, addTask(scene.log, user_id).id);
  const one_more = addTask(scene.log, user_id);
  client.say({ type: 'subscribe', scope: 'log', after: 0, task_id: one_more.id });
  await client.until(() => client.of('error').length === 5);
  t.deepEqual(
    client.of('error').map(({ code, task_id }) => [code, task_id]),
    [
      ['invalid', undefined],
      ['not_found', foreign.id],
      ['not_found', client.of('error')[2]?.task_id],
      ['invalid', undefined],
      ['conflict', one_more.id],
    ],
  );
  const [id = 0] = addLogEvents(scene.log, task, 1);
  await client.until(() => client.ids().includes(id));
  client.say({ type: 'unsubscribe', scope: 'log' });
  await follow(client, one_more.id);
  t.pass('there is room again');
  await client.close();
});

test('all scopes together on one socket: each event comes once for each of them', async (t) => {
  const { scene, user_id, task } = await start(t);
  const client = await connect(scene.socket_url, user_id);
  client.say({ type: 'subscribe', after: 0 });
  client.say({ type: 'subscribe', scope: 'tasks', after: 0 });
  await follow(client, task.id);
  await client.until(() => client.of('caught_up').length === 3);
  const ids = addLogEvents(scene.log, task, 3);
  await client.until(() => client.of('tasks').at(-1)?.cursor === ids[2] && client.ids().length === 6);
  const of = (scope: 'log' | undefined) =>
    client
      .of('events')
      .filter((frame) => frame.scope === scope)
      .flatMap(({ events }) => events.map(({ id }) => id));
  t.deepEqual(of('log'), ids);
  t.deepEqual(of(undefined), ids);
  await client.close();
});
