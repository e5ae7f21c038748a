import test from 'ava';
import { CLOSE } from '../../../protocol/socket.ts';
import { addLogEvents, addUser } from '../../support/fixtures.ts';
import { setSocketScene as start } from '../../support/socket-scene.ts';
import { TestClient } from '../../support/test-client.ts';
import { until } from '../../support/until.ts';

/** A client that answers the next ping. */
function answersPing(client: TestClient): Promise<void> {
  return new Promise((resolve) => client.socket.once('ping', () => resolve()));
}

test('dead sockets never keep their user out, and make room before the living ones', async (t) => {
  const { scene, user_id, task } = await start(t, { sockets_per_user_max: 4 });
  const laptop = await TestClient.subscribe(scene.socket_url, user_id);
  const dead: TestClient[] = [];
  // A phone whose network comes and goes: each of its sockets is cut off without a word.
  for (let cuts = 0; cuts < 12; cuts++) {
    const probed = answersPing(laptop);
    const phone = await TestClient.subscribe(scene.socket_url, user_id);
    await phone.until(() => phone.of('caught_up').length === 1);
    await probed;
    phone.socket.pause();
    dead.push(phone);
    t.true(scene.relay.count(user_id) <= 4);
  }
  const phone = await TestClient.subscribe(scene.socket_url, user_id);
  await phone.until(() => phone.of('caught_up').length === 1);
  const [id] = addLogEvents(scene.log, task, 1);
  for (const client of [laptop, phone]) await client.until(() => client.ids().at(-1) === id);
  t.is(laptop.closed, undefined);
  await Promise.all([laptop, phone, ...dead].map((client) => client.close()));
  await until('no socket is left', () => scene.sockets.sockets.size === 0);
});

test('where all are alive, a new socket closes one of the same user and of nobody else', async (t) => {
  const { scene, user_id } = await start(t, { sockets_per_user_max: 2 });
  const neighbour = await TestClient.subscribe(scene.socket_url, addUser(scene.log));
  const clients: TestClient[] = [];
  for (let index = 0; index < 5; index++) {
    clients.push(await TestClient.subscribe(scene.socket_url, user_id));
    t.true(scene.relay.count(user_id) <= 2);
  }
  const closed = () => clients.filter((client) => client.closed !== undefined);
  await until('three are closed', () => closed().length === 3);
  t.true(closed().every((client) => client.closed?.code === CLOSE.too_many));
  t.is(clients.at(-1)?.closed, undefined);
  t.is(neighbour.closed, undefined);
  await Promise.all([neighbour, ...clients].map((client) => client.close()));
});

test('sockets that never subscribe make room too', async (t) => {
  const { scene, user_id } = await start(t, { sockets_per_user_max: 3 });
  const idle = Array.from({ length: 10 }, () => new TestClient(scene.socket_url, user_id));
  for (const client of idle) await client.until(() => client.of('hello').length === 1 || client.closed !== undefined);
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  await client.until(() => client.of('caught_up').length === 1);
  t.true(scene.relay.count(user_id) <= 3);
  await Promise.all([client, ...idle].map((each) => each.close()));
});
