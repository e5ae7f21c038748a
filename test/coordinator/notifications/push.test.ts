import type { IncomingHttpHeaders } from 'node:http';
import test from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import type { FailureReason } from '../../../protocol/task.ts';
import type { Api } from '../../support/api.ts';
import { PASSWORD } from '../../support/start-api.ts';
import { until } from '../../support/until.ts';
import { readVapid } from '../../support/notifications/decrypt.ts';
import { notifyScene, PUBLIC_URL, type NotifyScene } from '../../support/notifications/scene.ts';
import type { LivelyErrand } from '../../support/web/lively-errand.ts';

const occasionsOf = (messages: readonly { data: { occasion: string | null } }[]) =>
  messages.map(({ data }) => data.occasion);

/** Everything that happens to an errand up to its end, beside its occasions. */
function workOn(errand: LivelyErrand): void {
  errand.plan(['Read', 'done'], ['Write', 'in_progress']);
  errand.tool('run_command', { command: 'npm test' }, 'fails', { exit_code: 1 });
  errand.say('It fails.');
  errand.spend(0.1);
}

/** Answers the errand, and has its worker take the answer in. */
async function say(api: Api, errand: LivelyErrand, text: string): Promise<void> {
  const { message_id } = await api.call('createMessage', { params: { id: errand.id }, body: { text } });
  errand.report({ type: 'input.added', body: { turn: 1, source: 'person', message_id, text } });
}

const ENDS: [FailureReason, string][] = [
  ['verify_failed', 'failed'],
  ['setup_failed', 'failed'],
  ['refused', 'failed'],
  ['disk_full', 'failed'],
  ['budget_exhausted', 'limit'],
  ['turn_limit', 'limit'],
  ['time_limit', 'limit'],
  ['context_exhausted', 'limit'],
  ['log_full', 'limit'],
  ['workspace_full', 'limit'],
];

test('a device is told of the four occasions only, each once, encrypted for its subscription', async (t) => {
  const { receiver, api, device, errand } = await notifyScene(t);
  const { subscription } = await device(api);
  const { public_key } = await api.call('getPushKey', {});
  const asks = await errand('Round up');
  workOn(asks);
  asks.ask('Which rounding?');
  await until('it is told of the question', () => subscription.messages.length === 1);
  await say(api, asks, 'Up');
  workOn(asks);
  asks.succeed({ summary: 'Rounds up now.' });
  await until('it is told of the end', () => subscription.messages.length === 2);
  for (const [i, [reason]] of ENDS.entries()) {
    const ends = await errand(`Errand ${i}`);
    workOn(ends);
    ends.fail(reason);
    await until(`it is told of ${reason}`, () => subscription.messages.length === i + 3);
  }
  const cancelled = await errand('Cancelled');
  await api.call('cancelTask', { params: { id: cancelled.id } });
  const last = await errand('Last');
  last.succeed({});
  await until('it is told of the last', () => subscription.messages.length === ENDS.length + 3);

  const { messages } = subscription;
  t.deepEqual(occasionsOf(messages), ['needs_you', 'done', ...ENDS.map(([, occasion]) => occasion), 'done']);
  t.like(messages[0], {
    title: 'Round up',
    body: 'Needs you: Which rounding?',
    navigate: `${PUBLIC_URL}/errands/${asks.id}/decision`,
    tag: `errand-${asks.id}`,
  });
  t.is(messages[1]?.body, 'Done: Rounds up now.');
  t.is(messages[1]?.navigate, `${PUBLIC_URL}/errands/${asks.id}`);
  t.is(messages[1]?.tag, messages[0]?.tag);
  t.is(new Set(messages.map(({ data }) => data.id)).size, messages.length);
  const headers: IncomingHttpHeaders = receiver.received[0]?.headers ?? {};
  t.like(headers, { 'content-encoding': 'aes128gcm', 'content-type': 'application/notification+json' });
  t.like(headers, { urgency: 'high', ttl: String(LIMITS.notification_ttl_s) });
  t.regex(String(headers['topic']), /^[\w-]{1,32}$/);
  t.is(headers['topic'], receiver.received[1]?.headers['topic']);
  const vapid = readVapid(String(headers.authorization));
  t.like(vapid, { aud: receiver.url, sub: PUBLIC_URL, public_key });
  t.true(vapid.exp * 1000 > Date.now() && vapid.exp * 1000 < Date.now() + 24 * 3600_000);
});

test('the contact of push services is what the settings say, else the public address, else the owner', async (t) => {
  for (const [env, sub] of [
    [{ ERRAND_PUSH_CONTACT: 'mailto:ops@example.org' }, 'mailto:ops@example.org'],
    [{ ERRAND_PUBLIC_URL: 'http://errand.lan' }, 'mailto:person1@example.org'],
  ] as const) {
    const { receiver, api, device } = await notifyScene(t, env);
    const { id } = await device(api);
    await api.call('testChannel', { params: { id } });
    t.is(readVapid(String(receiver.received[0]?.headers.authorization)).sub, sub);
  }
});

test('a device chooses its occasions, and a muted errand is quiet', async (t) => {
  const { api, device, errand } = await notifyScene(t);
  const { id, subscription } = await device(api);
  await api.call('patchChannel', { params: { id }, body: { occasions: ['failed', 'limit'] } });
  const done = await errand('Done');
  done.succeed({});
  const muted = await errand('Muted');
  await api.call('patchTaskNotifications', { params: { id: muted.id }, body: { muted: true } });
  muted.fail('verify_failed');
  const failed = await errand('Failed');
  failed.fail('verify_failed');
  await until('it is told', () => subscription.messages.length === 1);
  t.is(subscription.messages[0]?.title, 'Failed');
});

test('a device that shows the errand is told only once it shows it no more, and never of what it has seen', async (t) => {
  const { server, api, session, device, errand } = await notifyScene(t);
  const { id, subscription } = await device(api);
  const params = { id };
  const [seen, other] = [await errand('Seen'), await errand('Other')];
  await api.call('putPresence', { params, body: { task_id: seen.id } });
  seen.ask('First?');
  other.ask('Second?');
  await until('it is told of the other', () => subscription.messages.length === 1);
  t.is(subscription.messages[0]?.title, 'Other');
  // Still on the screen: the person has read it.
  await api.call('putPresence', { params, body: { task_id: seen.id } });
  await api.call('putPresence', { params, body: { task_id: null } });
  const [later, silent] = [await errand('Later'), await errand('Silent')];
  await api.call('putPresence', { params, body: { task_id: later.id } });
  later.ask('Third?');
  await until('it is held back', () => held(server, later.id));
  await api.call('putPresence', { params, body: { task_id: null } });
  await until('it is told once the screen is dark', () => subscription.messages.length === 2);
  t.is(subscription.messages[1]?.title, 'Later');
  // A phone that lost its network says nothing any more.
  await api.call('putPresence', { params, body: { task_id: silent.id } });
  silent.ask('Fourth?');
  await until('it is held back', () => held(server, silent.id));
  server.clock.ahead_ms += LIMITS.presence_ms + 1_000;
  server.notifications.show({ user_id: session.user.id, session: '' }, id, null);
  await until('it is told after a while', () => subscription.messages.length === 3);
  t.is(subscription.messages[2]?.title, 'Silent');
});

test('a device that registers again while a notification waits is told of it', async (t) => {
  const { server, receiver, api, device, errand } = await notifyScene(t);
  const { id, subscription } = await device(api);
  const shown = await errand('Shown');
  await api.call('putPresence', { params: { id }, body: { task_id: shown.id } });
  shown.ask('Which rounding?');
  await until('it is held back', () => held(server, shown.id));
  for (const { json } of [subscription, receiver.subscribe(), subscription]) {
    const body = { kind: 'push', name: 'Phone', subscription: json, app_url: PUBLIC_URL } as const;
    t.is((await api.call('createChannel', { body })).id, id);
    t.true(held(server, shown.id));
  }
  await api.call('putPresence', { params: { id }, body: { task_id: null } });
  await until('it is told', () => subscription.messages.length === 1);
});

test('a device keeps what was chosen for it where its person logs in again', async (t) => {
  const { server, receiver, api, session } = await notifyScene(t);
  const subscription = receiver.subscribe().json;
  const body = { kind: 'push', name: 'Phone', subscription, app_url: PUBLIC_URL } as const;
  const { id } = await api.call('createChannel', { body: { ...body, occasions: ['failed'] } });
  const login = { email: session.user.email, password: PASSWORD };
  const again = await server.auth.logins.login(login, { address: '10.0.0.9', user_agent: null });
  await api.call('logout', { body: { refresh_token: session.refresh_token } });
  api.token = again.access_token;
  t.like(await api.call('createChannel', { body }), { id, occasions: ['failed'], current: true });
});

function held({ db }: NotifyScene['server'], task_id: string): boolean {
  const held = 'SELECT 1 FROM notifications WHERE task_id = ? AND next_at > created_at';
  return db.prepare(held).get(task_id) !== undefined;
}

test('a newer notification takes the place of one that could not be sent yet', async (t) => {
  const { receiver, api, device, errand } = await notifyScene(t);
  const { subscription } = await device(api);
  receiver.reply = () => ({ status: 503 });
  const lively = await errand('Round up');
  lively.ask('Which rounding?');
  await until('it was tried', () => receiver.received.length > 0);
  await say(api, lively, 'Up');
  lively.succeed({ summary: 'Rounds up.' });
  receiver.reply = () => ({ status: 201 });
  await until('the end has come', () => occasionsOf(subscription.messages).includes('done'));
  const { messages } = subscription;
  t.deepEqual(occasionsOf(messages.slice(messages.findIndex(({ data }) => data.occasion === 'done'))), ['done']);
});

test('a question that was answered before it could be sent is not sent', async (t) => {
  const { receiver, server, api, device, errand } = await notifyScene(t);
  const { subscription } = await device(api);
  receiver.reply = () => ({ status: 503 });
  const lively = await errand();
  lively.ask('Which rounding?');
  await until('it was tried', () => receiver.received.length > 0);
  await api.call('createMessage', { params: { id: lively.id }, body: { text: 'Up' } });
  await until(
    'it is settled',
    () => server.db.prepare('SELECT 1 FROM notifications WHERE next_at IS NULL').get() !== undefined,
  );
  t.deepEqual(new Set(occasionsOf(subscription.messages)), new Set(['needs_you']));
});

test('the same question of another attempt is no new occasion', async (t) => {
  const { api, device, errand } = await notifyScene(t);
  const { subscription } = await device(api);
  const lively = await errand();
  const question = { ref: 'toolu_1', question: 'Which rounding?' };
  lively.report({ type: 'question.asked', body: question });
  lively.report({ type: 'question.asked', body: question });
  const other = await errand('Other');
  other.succeed({});
  await until('it is told', () => subscription.messages.length === 2);
  t.deepEqual(occasionsOf(subscription.messages), ['needs_you', 'done']);
});

test('nobody is told of what belongs to somebody else, nor after a log-out', async (t) => {
  const { server, api, session, device, errand } = await notifyScene(t);
  const stranger = await server.person();
  const [own, foreign] = [await device(api), await device(stranger.api)];
  const first = await errand('First');
  first.succeed({});
  await until('the owner is told', () => own.subscription.messages.length === 1);
  await api.call('logout', { body: { refresh_token: session.refresh_token } });
  const again = await server.auth.logins.login(
    { email: session.user.email, password: PASSWORD },
    {
      address: '10.0.0.9',
      user_agent: null,
    },
  );
  api.token = again.access_token;
  const other = await device(api);
  const second = await errand('Second');
  second.succeed({});
  await until('the new log-in is told', () => other.subscription.messages.length === 1);
  t.is(own.subscription.messages.length, 1);
  t.is(foreign.subscription.messages.length, 0);
});
