import { createHmac } from 'node:crypto';
import test from 'ava';
import { WebhookBody } from '../../../protocol/notifications.ts';
import type { Received } from '../../support/notifications/push-service.ts';
import { notifyScene, PUBLIC_URL } from '../../support/notifications/scene.ts';
import { until } from '../../support/until.ts';

/** Checks a webhook as its receiver does, by the letter of standardwebhooks.com. */
function verified({ headers, body }: Received, secret: string): WebhookBody {
  const [id, timestamp, signature] = ['id', 'timestamp', 'signature'].map((name) => String(headers[`webhook-${name}`]));
  if (Math.abs(Date.now() / 1000 - Number(timestamp)) > 300) throw new Error('It is too old.');
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body.toString()}`).digest('base64');
  if (signature !== `v1,${expected}`) throw new Error('The signature is wrong.');
  return WebhookBody.parse(JSON.parse(body.toString()));
}

test('a webhook is told of the four occasions, each signed, with an id of its own', async (t) => {
  const { receiver, api, errand } = await notifyScene(t);
  const body = { kind: 'webhook', name: 'CI', url: `${receiver.url}/hook?a=1` } as const;
  const { secret } = await api.call('createChannel', { body });
  const asks = await errand('Round up');
  const options = ['Up', 'Down', 'To even'];
  asks.report({ type: 'question.asked', body: { ref: 'r', question: 'Which rounding?', options } });
  asks.fail('verify_failed');
  (await errand()).fail('budget_exhausted');
  (await errand()).succeed({ summary: 'Mended.' });
  await until('all have come', () => receiver.received.length === 4);
  const bodies = receiver.received.map((received) => verified(received, secret ?? ''));
  t.deepEqual(bodies.map(({ type }) => type).sort(), [
    'errand.done',
    'errand.failed',
    'errand.limit',
    'errand.needs_you',
  ]);
  t.like(bodies.find(({ type }) => type === 'errand.needs_you')?.data, {
    task_id: asks.id,
    title: 'Round up',
    text: 'Which rounding?',
    options,
    url: `${PUBLIC_URL}/errands/${asks.id}`,
  });
  t.is(bodies.find(({ type }) => type === 'errand.done')?.data.text, 'Mended.');
  t.is(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, 4);
  t.is(receiver.received[0]?.path, '/hook?a=1');
});

test('a webhook is sent again with the same id and a new time, and a lost answer is such a failure', async (t) => {
  const { receiver, api, errand } = await notifyScene(t);
  const body = { kind: 'webhook', name: 'CI', url: receiver.url } as const;
  const { secret } = await api.call('createChannel', { body });
  receiver.reply = () => ({ status: receiver.received.length < 3 ? 500 : 204 });
  (await errand()).succeed({});
  await until('it is accepted', () => receiver.received.length === 3);
  for (const received of receiver.received) verified(received, secret ?? '');
  t.is(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, 1);
});

test('what was sent is not sent again because the disk is full, and what was refused waits as always', async (t) => {
  const { server, receiver, api, errand } = await notifyScene(t);
  await api.call('createChannel', { body: { kind: 'webhook', name: 'CI', url: receiver.url } });
  const pending = () => server.db.prepare('SELECT tries FROM notifications WHERE next_at IS NOT NULL').all();
  receiver.reply = () => {
    server.disk.full = true;
    return { status: 204 };
  };
  (await errand()).succeed({});
  await until('it is settled', () => receiver.received.length > 0 && pending().length === 0);
  t.is(receiver.received.length, 1);

  server.disk.full = false;
  receiver.reply = () => {
    server.disk.full = true;
    return { status: 503, headers: { 'retry-after': '60' } };
  };
  (await errand()).succeed({});
  await until('it is put off', () => pending().some((row) => (row as { tries: number }).tries === 1));
  t.is(receiver.received.length, 2);
});

test('a webhook or topic that is added again, as after a lost answer, stays one, with the newest key', async (t) => {
  const { receiver, api, errand } = await notifyScene(t);
  const hook = { kind: 'webhook', name: 'CI', url: receiver.url } as const;
  const first = await api.call('createChannel', { body: hook });
  const again = await api.call('createChannel', { body: { ...hook, name: 'Bot' } });
  t.is(again.id, first.id);
  t.not(again.secret, first.secret);
  const topic = { kind: 'ntfy', name: 'Topic', server: receiver.url, topic: 'errands' } as const;
  const ids = new Set<string>();
  for (const body of [topic, topic, { ...topic, topic: 'others' }])
    ids.add((await api.call('createChannel', { body })).id);
  t.is(ids.size, 2);
  const { id: project_id } = await api.call('createProject', {
    body: { name: 'P', repo_url: 'https://git.example.org/a/b' },
  });
  t.not((await api.call('createChannel', { body: { ...hook, project_id } })).id, first.id, 'another project');
  const { items } = await api.call('listChannels', { query: {} });
  t.is(items.length, 4);
  t.is(items.find(({ id }) => id === first.id)?.name, 'Bot');
  (await errand()).succeed({});
  const sent = () => receiver.received.filter(({ headers }) => headers['webhook-id'] !== undefined);
  await until('it is told', () => sent().length === 1);
  for (const received of sent()) t.truthy(verified(received, again.secret ?? ''));
});

test('the key of a webhook is never shown again, and is not in the database', async (t) => {
  const { server, receiver, api } = await notifyScene(t);
  const url = `${receiver.url}/secret-path`;
  const made = await api.call('createChannel', { body: { kind: 'webhook', name: 'CI', url } });
  const ntfy = {
    kind: 'ntfy',
    name: 'Phone',
    server: receiver.url,
    topic: 'secret-topic',
    token: 'tk_secret',
  } as const;
  t.is((await api.call('createChannel', { body: ntfy })).secret, null);
  const listed = JSON.stringify(await api.call('listChannels', {}));
  const stored = JSON.stringify(server.db.prepare('SELECT * FROM channels').all());
  for (const secret of [made.secret ?? '', 'secret-path', 'secret-topic', 'tk_secret'])
    t.false(listed.includes(secret) || stored.includes(secret), secret);
  t.true(listed.includes(new URL(receiver.url).host));
});

test('a webhook of a project is told of its errands alone', async (t) => {
  const { receiver, server, api, errand } = await notifyScene(t);
  const { id: project_id } = await api.call('createProject', { body: { name: 'One', repo_url: 'errand://sample' } });
  const hook = { kind: 'webhook', name: 'One', url: receiver.url, project_id } as const;
  await api.call('createChannel', { body: hook });
  (await errand('Elsewhere')).succeed({});
  (await errand('Here', project_id)).succeed({});
  await until('it has come', () => receiver.received.length === 1);
  t.is(WebhookBody.parse(JSON.parse(String(receiver.received[0]?.body))).data.title, 'Here');
  const { api: stranger } = await server.person();
  t.is((await stranger.refused('createChannel', { body: hook })).code, 'not_found');
});

test('an ntfy topic gets a readable text, with its token', async (t) => {
  const { receiver, api, errand } = await notifyScene(t);
  const body = { kind: 'ntfy', name: 'Phone', server: receiver.url, topic: 'errands', token: 'tk_1' } as const;
  await api.call('createChannel', { body });
  const asks = await errand('Round up');
  asks.ask('Which rounding?');
  await until('it has come', () => receiver.received.length === 1);
  t.like(receiver.received[0]?.headers, { authorization: 'Bearer tk_1', 'content-type': 'application/json' });
  t.deepEqual(JSON.parse(String(receiver.received[0]?.body)), {
    topic: 'errands',
    title: 'Round up',
    message: 'Needs you: Which rounding?',
    priority: 4,
    click: `${PUBLIC_URL}/errands/${asks.id}/decision`,
  });
});
