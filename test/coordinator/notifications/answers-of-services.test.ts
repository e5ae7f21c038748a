import test from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { until } from '../../support/until.ts';
import { notifyScene, PUBLIC_URL, type NotifyScene } from '../../support/notifications/scene.ts';

const lastAnswer = async (api: NotifyScene['api'], id: string) =>
  (await api.call('listChannels', {})).items.find((channel) => channel.id === id)?.last_answer;

for (const status of [404, 410])
  test(`a subscription that is gone is removed (${status})`, async (t) => {
    const { receiver, api, device, errand } = await notifyScene(t);
    receiver.reply = () => ({ status });
    await device(api);
    (await errand()).succeed({});
    await until('it is removed', async () => (await api.call('listChannels', {})).items.length === 0);
    t.is(receiver.received.length, 1);
    const { id } = await device(api);
    t.like(await api.call('testChannel', { params: { id } }), { last_answer: { ok: false, status } });
    t.deepEqual((await api.call('listChannels', {})).items, []);
  });

for (const status of [408, 425, 429, 500, 502, 503])
  test(`what is not accepted for now is sent again, with the same id (${status})`, async (t) => {
    const { receiver, api, device, errand } = await notifyScene(t);
    const { id, subscription } = await device(api);
    receiver.reply = () => ({ status: receiver.received.length < 3 ? status : 201 });
    (await errand()).succeed({});
    await until('it is accepted', () => receiver.received.length === 3);
    t.is(new Set(subscription.messages.map(({ data }) => data.id)).size, 1);
    await until('the row says so', async () => (await lastAnswer(api, id))?.ok === true);
  });

for (const status of [301, 307, 400, 401, 403])
  test(`what is refused is given up, and its row says why (${status})`, async (t) => {
    const { receiver, server, api, device, errand } = await notifyScene(t);
    const { id } = await device(api);
    receiver.reply = () => ({
      status,
      headers: { location: `${receiver.url}/elsewhere` },
      body: 'Bad\u0000 <b>token</b>\n',
    });
    (await errand()).succeed({});
    await until('it is answered', async () => (await lastAnswer(api, id)) !== null);
    t.like(await lastAnswer(api, id), { ok: false, status, detail: 'Bad <b>token</b>' });
    t.is(server.db.prepare('SELECT count(*) FROM notifications WHERE next_at IS NOT NULL').pluck().get(), 0);
    t.is(receiver.received.length, 1);
  });

test('Retry-After is obeyed, in seconds and as a date', async (t) => {
  for (const [header, after_s] of [
    ['120', 120],
    [new Date(Date.now() + 300_000).toUTCString(), 295],
  ] as const) {
    const { receiver, server, api, device, errand } = await notifyScene(t);
    await device(api);
    receiver.reply = () => ({ status: 429, headers: { 'retry-after': header } });
    const lively = await errand(`after ${header}`);
    lively.succeed({});
    const next_at = await until('it is put off', () =>
      server.db.prepare('SELECT next_at FROM notifications WHERE task_id = ? AND tries = 1').pluck().get(lively.id),
    );
    // The test's server waits a minute at most.
    t.true(Date.parse(String(next_at)) > Date.now() + Math.min(after_s, 60) * 1000 - 5_000);
  }
});

test('a device that is limited is sent nothing else until it may, and others are', async (t) => {
  const { receiver, server, api, device, errand } = await notifyScene(t);
  const limited = await device(api);
  receiver.reply = ({ path }) =>
    path === limited.subscription.path ? { status: 429, headers: { 'retry-after': '30' } } : { status: 201 };
  const sentTo = (path: string) => receiver.received.filter((one) => one.path === path).length;
  (await errand('One')).succeed({});
  await until('it is refused', async () => (await lastAnswer(api, limited.id))?.status === 429);
  const { api: other } = await server.person();
  const free = await device(other);
  await other.call('testChannel', { params: { id: free.id } });
  const second = await errand('Two');
  second.succeed({});
  const put_off = 'SELECT next_at FROM notifications WHERE task_id = ? AND tries = 0 AND next_at > created_at';
  await until('it is put off', () => server.db.prepare(put_off).pluck().get(second.id));
  t.is(sentTo(limited.subscription.path), 1);
  t.is(sentTo(free.subscription.path), 1);
  receiver.reply = () => ({ status: 201 });
  server.clock.ahead_ms += 31_000;
  await until('both are sent', () => sentTo(limited.subscription.path) === 3);
  t.pass();
});

test('a device that is limited without Retry-After is sent nothing else until the next try', async (t) => {
  const { receiver, server, api, device, errand } = await notifyScene(t);
  await device(api);
  receiver.reply = () => ({ status: 429 });
  (await errand('One')).succeed({});
  const tries = server.db.prepare('SELECT max(tries) FROM notifications').pluck();
  await until('the next try is 12 seconds away', () => tries.get() === 5);
  const second = await errand('Two');
  second.succeed({});
  const put_off = 'SELECT tries FROM notifications WHERE task_id = ? AND next_at > created_at';
  const tried = await until('it is put off', () =>
    server.db.prepare<[string], { tries: number }>(put_off).get(second.id),
  );
  t.is(tried.tries, 0);
  t.is(receiver.received.length, 5);
});

test('what could not be delivered for a day is given up', async (t) => {
  const { receiver, server, api, device, errand } = await notifyScene(t);
  await device(api);
  receiver.reply = () => ({ status: 503 });
  (await errand()).succeed({});
  await until('it is tried', () => receiver.received.length > 1);
  server.clock.ahead_ms += LIMITS.notification_ttl_s * 1000;
  await until(
    'it is given up',
    () => server.db.prepare('SELECT count(*) FROM notifications WHERE next_at IS NOT NULL').pluck().get() === 0,
  );
  t.pass();
});

test('a message that is too large is sent in short', async (t) => {
  const { receiver, api, device, errand } = await notifyScene(t);
  const { subscription } = await device(api);
  receiver.reply = () => ({ status: receiver.received.length === 1 ? 413 : 201 });
  (await errand('Round up')).succeed({ summary: 'Rounds up.' });
  await until('it is sent again', () => receiver.received.length === 2);
  t.deepEqual(
    subscription.messages.map(({ body }) => body),
    ['Done: Rounds up.', 'Done'],
  );
});

test('no message is larger than a push service takes, in any script', async (t) => {
  const { receiver, api, device, errand } = await notifyScene(t);
  const { subscription } = await device(api, { app_url: `${PUBLIC_URL}/${'a'.repeat(200)}` });
  for (const [character, length] of ['x', '"', '\u0001', 'ß', '字', '👩‍👩‍👧'].flatMap((each) => [
    [each, 19] as const,
    [each, 200] as const,
  ])) {
    const before = receiver.received.length;
    const lively = await errand(character === '\u0001' ? 'x' : character.repeat(300));
    const options = ['a', 'b'].map((each) => (each + character.repeat(length)).slice(0, LIMITS.option_chars_max));
    const question = character.repeat(1_000);
    lively.report({ type: 'question.asked', body: { ref: 'r', question, options } });
    await until('it is sent', () => receiver.received.length > before);
    const body = receiver.received.at(-1)?.body ?? Buffer.alloc(0);
    t.true(body.length <= 4096, `${character}: ${body.length}`);
    t.truthy(subscription.messages.at(-1)?.data.id);
  }
});

test('one channel is not sent more than its share in a minute', async (t) => {
  t.timeout(60_000);
  const { receiver, server, api, device, errand } = await notifyScene(t);
  const { subscription } = await device(api);
  for (let i = 0; i <= LIMITS.notifications_per_minute_max; i++) {
    const lively = await errand(`Errand ${i}`);
    lively.succeed({});
    if (i < LIMITS.notifications_per_minute_max) await until('it is sent', () => receiver.received.length === i + 1);
    else
      await until(
        'it is held back',
        () =>
          server.db.prepare('SELECT next_at FROM notifications WHERE task_id = ?').pluck().get(lively.id) !== undefined,
      );
  }
  t.is(subscription.messages.length, LIMITS.notifications_per_minute_max);
});

test('a test says what the other side answers, and tests are limited', async (t) => {
  const { receiver, api, device } = await notifyScene(t);
  const { id, subscription } = await device(api, { language: 'de' });
  receiver.reply = () => ({ status: 201, body: 'thanks' });
  const { last_answer } = await api.call('testChannel', { params: { id } });
  t.like(last_answer, { ok: true, status: 201, detail: 'thanks' });
  t.is(subscription.messages[0]?.body, 'Benachrichtigungen kommen hier an.');
  const test = async () => (await api.send('testChannel', { params: { id } })).status;
  const statuses = await Promise.all(Array.from({ length: 2 * LIMITS.channel_tests_per_minute_max }, test));
  t.true(statuses.includes(429), 'some are refused');
});

test('a service that never answers holds up nobody else, and its row says so', async (t) => {
  t.timeout(60_000);
  const { server, receiver, api, device, errand } = await notifyScene(t);
  const silent = await device(api);
  receiver.reply = ({ path }) => (path === silent.subscription.path ? new Promise(() => undefined) : { status: 201 });
  const { api: other } = await server.person();
  const second = await device(other);
  (await errand()).succeed({});
  await until('it is asked', () => receiver.received.length === 1);
  const { last_answer } = await other.call('testChannel', { params: { id: second.id } });
  t.true(last_answer?.ok);
  const answer = await until('its row says so', () => lastAnswer(api, silent.id), 30_000);
  t.like(answer, { ok: false, status: null });
  t.regex(answer.detail, /did not answer within 10 seconds/);
});
