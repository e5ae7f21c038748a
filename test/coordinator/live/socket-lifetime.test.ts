import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import type { SocketLimits } from '../../../coordinator/live/feed.ts';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { CLOSE, SUBPROTOCOL } from '../../../protocol/socket.ts';
import { addUser } from '../../support/fixtures.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { TestClient } from '../../support/test-client.ts';
import { until } from '../../support/until.ts';
import { startWorkerApiScene } from '../../support/worker-api-scene.ts';

async function start(t: ExecutionContext, limits: Partial<SocketLimits> = {}) {
  const scene = await startWorkerApiScene({ folder: await temporaryFolder(t), limits });
  t.teardown(scene.close);
  return { scene, user_id: addUser(scene.log) };
}

test('closes sockets without a valid token, of another user, or beyond the limit per user', async (t) => {
  const { scene, user_id } = await start(t, { sockets_per_user_max: 2 });
  const base = scene.socket_url;
  const closed = async (client: TestClient) => {
    await client.until(() => client.closed !== undefined);
    return client.closed?.code;
  };
  t.is(await closed(new TestClient(base, user_id, [SUBPROTOCOL])), CLOSE.unauthenticated);
  t.is(await closed(new TestClient(base, user_id, [SUBPROTOCOL, 'bearer.bad'])), CLOSE.unauthenticated);
  t.is(await closed(new TestClient(base, newId(), [SUBPROTOCOL, `bearer.${user_id}`])), CLOSE.not_found);
  const two = [await TestClient.subscribe(base, user_id), await TestClient.subscribe(base, user_id)];
  t.is(await closed(new TestClient(base, user_id)), CLOSE.too_many);
  await two[0]?.close();
  await until('one socket is left', () => scene.relay.count(user_id) === 1);
  const again = await TestClient.subscribe(base, user_id);
  await Promise.all([...two, again].map((client) => client.close()));
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
  const { scene, user_id } = await start(t, { socket_ping_ms: 500 });
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
