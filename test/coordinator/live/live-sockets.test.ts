import test from 'ava';
import { WebSocket } from 'ws';
import { addLogEvents, addTask, addUser, startAttempt, taskOf } from '../../support/fixtures.ts';
import { until } from '../../support/until.ts';
import { TestClient } from '../../support/test-client.ts';
import { CLOSE, SUBPROTOCOL } from '../../../protocol/socket.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { newId } from '../../../protocol/ids.ts';
import { setSocketScene as start } from '../../support/socket-scene.ts';

test('sends hello, replays events after the cursor, sends caught_up and goes live', async (t) => {
  const { scene, user_id, task } = await start(t);
  const old = addLogEvents(scene.log, task, 450);
  const client = await TestClient.subscribe(scene.socket_url, user_id, old[9]);
  t.like(client.of('hello')[0], { cursor: old.at(-1) });
  t.is(client.socket.protocol, SUBPROTOCOL);
  await client.until(() => client.of('caught_up').length === 1);
  t.deepEqual(client.ids(), old.slice(10));
  t.deepEqual(client.of('caught_up'), [{ type: 'caught_up', cursor: old.at(-1) ?? 0 }]);
  const live = addLogEvents(scene.log, task, 3);
  await client.until(() => client.ids().length === 443);
  t.deepEqual(client.ids(), [...old.slice(10), ...live]);
  t.is(client.of('events').at(-1)?.events.length, 3);
  await client.close();
});

test('an event reaches the client unchanged', async (t) => {
  const { scene, user_id, task } = await start(t);
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  await client.until(() => client.of('caught_up').length === 1);
  const text = 'ä "quoted" \\ \u2028 \0 👋';
  const [id] = addLogEvents(scene.log, task, 1, text);
  await client.until(() => client.ids().length === 1);
  t.like(client.of('events')[0]?.events[0], { id, task_id: task.id, seq: null, type: 'log', body: { text } });
  await client.close();
});

test('a client that is disconnected a hundred times ends with exactly the events of the log', async (t) => {
  const { scene, user_id, task } = await start(t);
  const all: number[] = [];
  const enough = new AbortController();
  const writer = (async () => {
    while (!enough.signal.aborted) {
      all.push(...addLogEvents(scene.log, task, 1 + Math.floor(Math.random() * 20), 'y'.repeat(Math.random() * 2_000)));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 4));
    }
  })();
  const got: number[] = [];
  let cuts = 0;
  while (cuts < 100) {
    const client = await TestClient.subscribe(scene.socket_url, user_id, got.at(-1) ?? 0);
    const few = Math.floor(Math.random() * 40);
    await client.until(() => client.ids().length > few);
    await client.close();
    got.push(...client.ids());
    cuts += 1;
  }
  enough.abort();
  await writer;
  const last = await TestClient.subscribe(scene.socket_url, user_id, got.at(-1));
  await last.until(() => last.of('caught_up').length === 1);
  got.push(...last.ids());
  await last.close();
  t.true(all.length > 1_000);
  t.deepEqual(got, all);
});

test('replay turns into live without a gap or a duplicate under load', async (t) => {
  const { scene, user_id, task } = await start(t);
  const all = addLogEvents(scene.log, task, 3_000);
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  while (client.of('caught_up').length === 0 || all.length < 6_000) {
    all.push(...addLogEvents(scene.log, task, 7));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await client.until(() => client.ids().length === all.length);
  t.deepEqual(client.ids(), all);
  t.is(client.of('caught_up').length, 1);
  await client.close();
});

test("users do not see each other's events", async (t) => {
  const { scene, user_id, task } = await start(t);
  const other_id = addUser(scene.log);
  const other = addTask(scene.log, other_id);
  const ids = addLogEvents(scene.log, task, 5);
  const mine = await TestClient.subscribe(scene.socket_url, user_id);
  // Even if it subscribes to the other user's task.
  const theirs = await TestClient.subscribe(scene.socket_url, other_id, 0, task.id);
  for (const client of [mine, theirs]) await client.until(() => client.of('caught_up').length === 1);
  ids.push(...addLogEvents(scene.log, task, 5));
  scene.log.write((tx) => scene.relay.state(tx, task.id));
  scene.relay.deltas(task, 1, [{ ref: 'r', kind: 'text', text: 'secret' }]);
  const own = addLogEvents(scene.log, other, 1);
  await theirs.until(() => theirs.ids().length === 1);
  await mine.until(() => mine.ids().length === 10);
  t.deepEqual(theirs.ids(), own);
  t.deepEqual(mine.ids(), ids);
  t.deepEqual([theirs.of('state'), theirs.of('delta'), theirs.of('hello')[0]?.cursor], [[], [], 0]);
  await Promise.all([mine.close(), theirs.close()]);
});

test('deltas go only to clients that subscribed to the task; a new subscribe changes the task', async (t) => {
  const { scene, user_id, task } = await start(t);
  const second = addTask(scene.log, user_id);
  const [last = 0] = addLogEvents(scene.log, task, 1);
  const client = await TestClient.subscribe(scene.socket_url, user_id, last, task.id);
  const say = (text: string) => {
    scene.relay.deltas(task, 1, [{ ref: 'r', kind: 'text', text: `first ${text}` }]);
    scene.relay.deltas(second, 1, [{ ref: 'r', kind: 'text', text: `second ${text}` }]);
  };
  await client.until(() => client.of('caught_up').length === 1);
  say('before');
  await client.until(() => client.of('delta').length === 1);
  client.say({ type: 'subscribe', after: last, task_id: second.id });
  await client.until(() => client.of('caught_up').length === 2);
  say('after');
  await client.until(() => client.of('delta').length === 2);
  t.deepEqual(
    client.of('delta').flatMap(({ deltas }) => deltas.map(({ text }) => text)),
    ['first before', 'second after'],
  );
  t.deepEqual(client.ids(), []);
  await client.close();
});

test('after caught_up comes the state of each active task', async (t) => {
  const { scene, user_id } = await start(t);
  const waiting_for = { kind: 'model', since: '2026-01-01T00:00:00.000Z' } as const;
  const working = addTask(scene.log, user_id, { status: 'running', attempt: 1 });
  scene.log.db.prepare('UPDATE tasks SET waiting_for = ? WHERE id = ?').run(JSON.stringify(waiting_for), working.id);
  const starting = addTask(scene.log, user_id);
  startAttempt(scene.log, starting.id);
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  await client.until(() => client.of('state').length === 2);
  const for_worker = { kind: 'worker', since: taskOf(scene.log, starting.id).updated_at } as const;
  const states = client.of('state').map(({ task_id, ...state }) => [task_id, state]);
  t.deepEqual(Object.fromEntries(states), {
    [working.id]: { type: 'state', status: 'running', waiting_for },
    [starting.id]: { type: 'state', status: 'starting', waiting_for: for_worker },
  });
  await client.close();
});

test('a client that stops reading is not buffered for, and gets all events when it reads again', async (t) => {
  const { scene, user_id, task } = await start(t, { socket_buffer_bytes_max: 64 * 1024 });
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  await client.until(() => client.of('caught_up').length === 1);
  client.socket.pause();
  const sockets = () => [...scene.sockets.sockets];
  const all: number[] = [];
  let most = 0;
  for (let i = 0; i < 400; i++) {
    all.push(...addLogEvents(scene.log, task, 25, 'z'.repeat(1_000)));
    most = Math.max(most, ...sockets().map(({ bufferedAmount }) => bufferedAmount));
    if (i % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  // 10 MB were written; only the limit, a frame and a page of the log may be in memory.
  t.true(most > 0 && most < 64 * 1024 + 400 * 1024, `${most} bytes were buffered`);
  client.socket.resume();
  await client.until(() => client.ids().length === all.length);
  t.deepEqual(client.ids(), all);
  t.is(client.of('caught_up').length, 2);
  all.push(...addLogEvents(scene.log, task, 1));
  await client.until(() => client.ids().length === all.length);
  await client.close();
});

test('a client that reads nothing for too long is closed', async (t) => {
  const { scene, user_id, task } = await start(t, { socket_buffer_bytes_max: 1_000, socket_stalled_ms: 50 });
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  await client.until(() => client.of('caught_up').length === 1);
  const [server] = scene.sockets.sockets;
  const codes: number[] = [];
  const close = server?.close.bind(server);
  if (server && close)
    server.close = (code, reason) => {
      codes.push(code ?? 0);
      close(code, reason);
    };
  client.socket.pause();
  for (let i = 0; i < 200; i++) addLogEvents(scene.log, task, 25, 'z'.repeat(2_000));
  await until('the socket is closed', () => scene.relay.count(user_id) === 0);
  t.deepEqual(codes, [CLOSE.too_slow]);
  client.socket.terminate();
});

test('closes sockets without a valid token, or of another user', async (t) => {
  const { scene, user_id } = await start(t);
  const base = scene.socket_url;
  const closed = async (client: TestClient) => {
    await client.until(() => client.closed !== undefined);
    return client.closed?.code;
  };
  t.is(await closed(new TestClient(base, user_id, [SUBPROTOCOL])), CLOSE.unauthenticated);
  t.is(await closed(new TestClient(base, user_id, [SUBPROTOCOL, 'bearer.bad'])), CLOSE.unauthenticated);
  t.is(await closed(new TestClient(base, newId(), [SUBPROTOCOL, `bearer.${user_id}`])), CLOSE.not_found);
  await until('no socket is left', () => scene.sockets.sockets.size === 0);
});

test('accepts a ticket instead of a token', async (t) => {
  const { scene, user_id } = await start(t);
  const client = new TestClient(scene.socket_url, `${user_id}?ticket=${user_id}`, [SUBPROTOCOL]);
  await client.until(() => client.of('hello').length === 1);
  const bad = new TestClient(scene.socket_url, `${user_id}?ticket=none`, [SUBPROTOCOL]);
  await bad.until(() => bad.closed !== undefined);
  t.is(bad.closed?.code, CLOSE.unauthenticated);
  await client.close();
});

test('handles a frame that was sent before the hello', async (t) => {
  const { scene, user_id } = await start(t);
  const client = new TestClient(scene.socket_url, user_id);
  client.socket.on('open', () => client.say({ type: 'subscribe', after: 0 }));
  await client.until(() => client.of('caught_up').length === 1);
  t.is(client.frames[0]?.type, 'hello');
  await client.close();
});

test('an invalid frame gets an error frame and the socket stays open; a frame that is too large closes it', async (t) => {
  const { scene, user_id } = await start(t);
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  for (const frame of ['{', '"x"', '{"type":"subscribe"}', '{"type":"subscribe","after":0,"more":1}'])
    client.say(frame);
  await client.until(() => client.of('error').length === 4);
  t.true(client.of('error').every(({ code }) => code === 'invalid'));
  t.is(client.socket.readyState, WebSocket.OPEN);
  client.say('x'.repeat(LIMITS.socket_frame_bytes_max + 1));
  await client.until(() => client.closed !== undefined);
  t.is(client.closed?.code, 1009);
});

test('subscriptions of one user are limited, over all sockets', async (t) => {
  const { scene, user_id } = await start(t, { subscribes_per_minute_max: 10 });
  const two = [
    await TestClient.subscribe(scene.socket_url, user_id),
    await TestClient.subscribe(scene.socket_url, user_id),
  ];
  for (const client of two) for (let n = 0; n < 10; n++) client.say({ type: 'subscribe', after: 0 });
  // Some time may pass meanwhile, in which a few more are let through.
  await until('the rest is refused', () => two.flatMap((client) => client.of('error')).length >= 7);
  t.true(two.flatMap((client) => client.of('error')).every(({ code }) => code === 'rate_limited'));
  const other = addUser(scene.log);
  const theirs = await TestClient.subscribe(scene.socket_url, other);
  await theirs.until(() => theirs.of('caught_up').length === 1);
  for (const client of [...two, theirs]) await client.close();
});

test('a socket that never subscribes is closed', async (t) => {
  const { scene, user_id } = await start(t, { socket_subscribe_ms: 30 });
  const idle = new TestClient(scene.socket_url, user_id);
  await idle.until(() => idle.closed !== undefined);
  t.is(idle.closed?.code, CLOSE.bad_frame);
});

test('a socket is closed when its session ends, not when another one does', async (t) => {
  const { scene, user_id } = await start(t);
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  await client.until(() => client.of('caught_up').length === 1);
  scene.endSession(addUser(scene.log));
  t.is(scene.relay.count(user_id), 1);
  t.is(client.socket.readyState, WebSocket.OPEN);
  scene.endSession(user_id);
  await client.until(() => client.closed !== undefined);
  t.is(client.closed?.code, CLOSE.unauthenticated);
});

test('a client that answers no ping is closed; one that does stays open', async (t) => {
  const { scene, user_id } = await start(t, { socket_ping_ms: 1_500 });
  const dead = await TestClient.subscribe(scene.socket_url, user_id);
  const alive = await TestClient.subscribe(scene.socket_url, user_id);
  await dead.until(() => dead.of('caught_up').length === 1);
  dead.socket.pause();
  let pings = 0;
  alive.socket.on('ping', () => (pings += 1));
  await until('the dead client is closed', () => scene.relay.count(user_id) === 1 && pings > 1);
  t.is(alive.closed, undefined);
  dead.socket.terminate();
  await alive.close();
});

test('a stopping server sends bye and closes with 1001', async (t) => {
  const { scene, user_id } = await start(t);
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  await scene.sockets.stop();
  await client.until(() => client.closed !== undefined);
  t.is(client.of('bye').length, 1);
  t.is(client.closed?.code, CLOSE.going_away);
  const late = new TestClient(scene.socket_url, user_id);
  await late.until(() => late.closed !== undefined);
  t.is(late.closed?.code, CLOSE.going_away);
});
