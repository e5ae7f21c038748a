import test from 'ava';
import { FRAME_COST_BYTES } from '../../../coordinator/live/feed.ts';
import { CLOSE } from '../../../protocol/socket.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { addUser } from '../../support/fixtures.ts';
import { setSocketScene as start } from '../../support/socket-scene.ts';
import { TestClient } from '../../support/test-client.ts';
import { until } from '../../support/until.ts';

/** Room for so many frames at once, and next to none in the long run. */
const roomFor = (frames: number) => ({
  frame_burst_bytes_max: frames * FRAME_COST_BYTES,
  frame_bytes_per_s_max: 1,
});

async function closeOf(client: TestClient) {
  await client.until(() => client.closed !== undefined);
  return client.closed;
}

test('a socket is closed after a number of frames that are not valid', async (t) => {
  const { scene, user_id } = await start(t, { bad_frames_max: 5 });
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  for (let n = 0; n < 50; n++) client.say('x');
  t.deepEqual(await closeOf(client), { code: CLOSE.bad_frame, reason: 'too many frames that are not valid' });
  t.is(client.of('error').length, 4);
  t.deepEqual(scene.refused, ['invalid']);
});

const FRAMES: [string, (client: TestClient) => void][] = [
  ['frames that are valid', (client) => client.say({ type: 'unsubscribe', scope: 'all' })],
  ['frames that are not valid', (client) => client.say('x')],
  ['pings', (client) => client.socket.ping()],
];
for (const [what, send] of FRAMES)
  test(`${what} are charged to their user, over all sockets, and to nobody else`, async (t) => {
    const { scene, user_id } = await start(t, { ...roomFor(20), bad_frames_max: 100 });
    const [one, two] = [new TestClient(scene.socket_url, user_id), new TestClient(scene.socket_url, user_id)];
    for (const client of [one, two]) await client.until(() => client.of('hello').length === 1);
    for (let n = 0; n < 15; n++) for (const client of [one, two]) send(client);
    const closed = { code: CLOSE.bad_frame, reason: 'too many frames' };
    t.deepEqual(await Promise.all([closeOf(one), closeOf(two)]), [closed, closed]);
    t.deepEqual(scene.refused, ['rate_limited', 'rate_limited']);
    const other = await TestClient.subscribe(scene.socket_url, addUser(scene.log));
    await other.until(() => other.of('caught_up').length === 1);
    await other.close();
  });

test('a large frame takes as much as its bytes', async (t) => {
  const { scene, user_id } = await start(t, roomFor(20));
  const client = new TestClient(scene.socket_url, user_id);
  await client.until(() => client.of('hello').length === 1);
  for (let n = 0; n < 3; n++) client.say('x'.repeat(LIMITS.socket_frame_bytes_max));
  t.is((await closeOf(client))?.reason, 'too many frames');
  t.is(client.of('error').length, 2);
});

const SHAPES: [string, string, RegExp][] = [
  ['many keys', `{${Array.from({ length: 1_000 }, (_, n) => `"${n}":0`).join(',')}}`, /too many elements/],
  ['deep nesting', '['.repeat(10_000), /nested deeper/],
];
for (const [what, text, message] of SHAPES)
  test(`a frame with ${what} is refused before it is parsed`, async (t) => {
    const { scene, user_id } = await start(t);
    const client = await TestClient.subscribe(scene.socket_url, user_id);
    client.say(text);
    await client.until(() => client.of('error').length === 1);
    t.regex(client.of('error')[0]?.message ?? '', message);
    await client.close();
  });

test('of the frames that arrive at once, one is handled in a turn of the event loop', async (t) => {
  const { scene, user_id } = await start(t);
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  await client.until(() => client.of('caught_up').length === 1);
  let turn = 0;
  let counting = true;
  const count = () => void (turn++, counting && setImmediate(count));
  count();
  const turns: number[] = [];
  for (const socket of scene.sockets.sockets) socket.on('message', () => turns.push(turn));
  for (let n = 0; n < 100; n++) client.say({ type: 'unsubscribe', scope: 'log' });
  await until('all frames are handled', () => turns.length === 100);
  counting = false;
  t.is(new Set(turns).size, 100);
  await client.close();
});

test('a message in many fragments closes its socket, even if they are empty', async (t) => {
  const { scene, user_id } = await start(t);
  const client = await TestClient.subscribe(scene.socket_url, user_id);
  for (let n = 0; n < 100; n++) client.socket.send('', { fin: false });
  t.is((await closeOf(client))?.code, 1008);
});
