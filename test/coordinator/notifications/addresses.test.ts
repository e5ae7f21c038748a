import test from 'ava';
import { NO_PROXY } from '../../../coordinator/base/outgoing.ts';
import { Poster } from '../../../coordinator/notifications/post.ts';
import { listChannelsFor } from '../../../coordinator/sqlite/channels.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { Receiver } from '../../support/notifications/push-service.ts';
import { notifyScene } from '../../support/notifications/scene.ts';

const PRIVATE = [
  'https://127.0.0.1/x',
  'https://localhost/x',
  'https://[::1]/x',
  'https://10.0.0.1/x',
  'https://169.254.169.254/latest/meta-data',
  'https://192.168.1.1:8443/x',
  'https://[fd00::1]/x',
  'https://[::ffff:127.0.0.1]/x',
  'https://0/x',
  'https://2130706433/x',
];
const NOT_HTTPS = ['http://203.0.113.1/x', 'http://example.org/x', 'http://127.0.0.1/x'];
const NO_ADDRESS = ['ftp://example.org/x', 'javascript:alert(1)', 'https://user:secret@example.org/x', 'x', ''];

test('nothing is sent to a private address, without TLS, or to what is no address, in any field', async (t) => {
  const server = await startApi(t);
  const receiver = await Receiver.start(t);
  const { api } = await server.person();
  const { json } = receiver.subscribe();
  for (const url of [...PRIVATE, ...NOT_HTTPS, ...NO_ADDRESS])
    for (const [field, body] of [
      ['/url', { kind: 'webhook', name: 'x', url }],
      ['/server', { kind: 'ntfy', name: 'x', server: url, topic: 'x' }],
      [
        '/subscription/endpoint',
        { kind: 'push', name: 'x', subscription: { ...json, endpoint: url }, app_url: server.url },
      ],
    ] as const) {
      const problem = await api.refused('createChannel', { body });
      t.is(problem.code, 'invalid', url);
      t.is(problem.errors?.[0]?.field, field, url);
    }
  t.deepEqual((await api.call('listChannels', {})).items, []);
});

test('a host is checked at each request, not only when the channel is added', async (t) => {
  const receiver = await Receiver.start(t);
  const poster = new Poster([], NO_PROXY);
  t.teardown(() => poster.close());
  const url = new URL(receiver.url);
  const answer = await poster.post({ url, headers: {}, body: Buffer.from('x') }, new AbortController().signal);
  t.like(answer, { status: null, retry: false });
  t.regex(answer.detail, /private address/);
  t.is(receiver.received.length, 0);
});

test('an answer is read up to its limit only', async (t) => {
  const receiver = await Receiver.start(t);
  const poster = new Poster(['127.0.0.1'], NO_PROXY);
  t.teardown(() => poster.close());
  receiver.reply = () => ({ status: 400, body: 'x'.repeat(64 * 1024 * 1024) });
  const request = { url: new URL(receiver.url), headers: {}, body: Buffer.from('x') };
  const { status, detail } = await poster.post(request, new AbortController().signal);
  t.is(status, 400);
  t.is(detail, 'x'.repeat(200));
});

test('keys that nothing can be encrypted for are refused', async (t) => {
  const { receiver, api } = await notifyScene(t);
  const { json } = receiver.subscribe();
  const off_curve = Buffer.concat([Buffer.from([4]), Buffer.alloc(64, 1)]).toString('base64url');
  for (const keys of [
    { ...json.keys, p256dh: off_curve },
    { ...json.keys, p256dh: json.keys.p256dh.slice(0, 20) },
    { ...json.keys, p256dh: '!!' },
    { ...json.keys, auth: 'AAAA' },
    { ...json.keys, auth: '' },
  ]) {
    const body = { kind: 'push', name: 'x', subscription: { ...json, keys }, app_url: receiver.url };
    t.is((await api.refused('createChannel', { body })).code, 'invalid');
  }
});

test('the number of channels of a person is limited; a device that registers again is the same channel', async (t) => {
  const { receiver, api, device } = await notifyScene(t);
  const first = await device(api);
  await api.call('patchChannel', { params: { id: first.id }, body: { occasions: ['done'] } });
  const again = await device(api, { name: 'Renamed' });
  t.is(again.id, first.id);
  const [only, ...others] = (await api.call('listChannels', {})).items;
  t.like(only, { id: first.id, name: 'Renamed', occasions: ['done'], current: true });
  t.deepEqual(others, []);
  for (let i = 1; i < LIMITS.channels_per_user_max; i++)
    await api.call('createChannel', { body: { kind: 'webhook', name: `${i}`, url: `${receiver.url}/${i}` } });
  const one_more = { body: { kind: 'webhook', name: 'x', url: receiver.url } };
  t.is((await api.refused('createChannel', one_more)).code, 'conflict');
  t.is((await device(api)).id, first.id);
});

test('a browser in which somebody else logs in is theirs alone', async (t) => {
  const { server, receiver, api, errand } = await notifyScene(t);
  const { api: second } = await server.person();
  const subscription = receiver.subscribe();
  const body = { kind: 'push', name: 'Browser', subscription: subscription.json, app_url: receiver.url } as const;
  await api.call('createChannel', { body });
  const stolen = { ...body, subscription: { ...body.subscription, keys: receiver.subscribe().json.keys } };
  await second.call('createChannel', { body: stolen });
  t.is((await api.call('listChannels', {})).items.length, 1, 'who does not know its secret cannot claim it');
  await second.call('createChannel', { body });
  t.deepEqual((await api.call('listChannels', {})).items, []);
  (await errand()).succeed({});
  t.is((await second.call('listChannels', {})).items.length, 1);
});

test('somebody else can neither see, change, test nor remove a channel, nor can an API token', async (t) => {
  const { server, api, device } = await notifyScene(t);
  const { id } = await device(api);
  const { api: stranger } = await server.person();
  const params = { id };
  t.deepEqual((await stranger.call('listChannels', {})).items, []);
  for (const [name, body] of [
    ['patchChannel', { name: 'x' }],
    ['testChannel', undefined],
    ['putPresence', { task_id: null }],
    ['deleteChannel', undefined],
  ] as const)
    t.is((await stranger.refused(name, { params, body })).code, 'not_found', name);
  const scopes = ['read', 'tasks', 'projects'] as const;
  const { token } = await api.call('createToken', { body: { name: 'x', scopes: [...scopes], expires_in_days: 1 } });
  api.token = token;
  t.is((await api.refused('testChannel', { params })).code, 'forbidden');
});

test('an account that is being deleted is told nothing more', async (t) => {
  const { server, device } = await notifyScene(t);
  const { api, session } = await server.person();
  await device(api);
  t.is(listChannelsFor(server.db, session.user.id, null).length, 1);
  await api.call('deleteMe', { body: { password: PASSWORD } });
  t.deepEqual(listChannelsFor(server.db, session.user.id, null), []);
});
