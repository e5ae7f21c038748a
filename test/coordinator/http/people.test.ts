import { once } from 'node:events';
import test from 'ava';
import { WebSocket } from 'ws';
import { LIMITS } from '../../../protocol/limits.ts';
import { PEOPLE_ROUTES } from '../../../protocol/people-routes.ts';
import { SUBPROTOCOL } from '../../../protocol/socket.ts';
import { Api } from '../../support/api.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { taskOf } from '../../support/fixtures.ts';
import { StagedErrand } from '../../support/staged-errand.ts';
import { sendErrand } from '../../support/send-errand.ts';

type Newcomer = { email: string; invite?: string };
const signUp = (url: string, body: Newcomer) => new Api(url).call('signup', { body: { password: PASSWORD, ...body } });
const refusal = async (url: string, body: Newcomer) =>
  (await new Api(url).refused('signup', { body: { password: PASSWORD, ...body } })).code;

async function scene(t: Parameters<typeof startApi>[0]) {
  const server = await startApi(t, { ERRAND_SIGNUP: 'closed' });
  const owner = await server.person('owner@example.org');
  const { code } = await owner.api.call('createInvite', { body: {} });
  const session = await signUp(server.url, { email: 'ada@example.org', invite: code });
  const api = new Api(server.url, session.access_token);
  return { server, owner, code, api, session, id: session.user.id };
}

test('an invitation lets one person sign up as a member where sign-up is closed, once', async (t) => {
  const { server, owner, code, session } = await scene(t);
  t.is(session.user.role, 'member');
  t.is(await refusal(server.url, { email: 'bob@example.org', invite: code }), 'link_invalid');
  t.is(await refusal(server.url, { email: 'bob@example.org' }), 'signup_closed');
  t.deepEqual((await owner.api.call('listInvites', {})).items, []);
  const { items } = await owner.api.call('listAudit', {});
  t.like(
    items.find(({ action, user_id }) => action === 'account.created' && user_id === session.user.id),
    { detail: { role: 'member', invited_by: owner.session.user.id } },
  );
});

test('a sign-up that fails does not use the invitation up', async (t) => {
  const { server, owner } = await scene(t);
  const { code: invite } = await owner.api.call('createInvite', { body: {} });
  t.is(await refusal(server.url, { email: 'ada@example.org', invite }), 'email_taken');
  t.is((await signUp(server.url, { email: 'bob@example.org', invite })).user.role, 'member');
});

test('an invitation ends by its expiry and by being revoked, and the number of open ones is limited', async (t) => {
  const { server, owner } = await scene(t);
  const first = await owner.api.call('createInvite', { body: { expires_in_days: 1 } });
  await owner.api.call('deleteInvite', { params: { id: first.id } });
  t.is((await owner.api.refused('deleteInvite', { params: { id: first.id } })).code, 'not_found');
  const bob = { email: 'bob@example.org' };
  t.is(await refusal(server.url, { ...bob, invite: first.code }), 'link_invalid');
  const second = await owner.api.call('createInvite', { body: { expires_in_days: 1 } });
  for (let n = 1; n < LIMITS.invites_max; n++) await owner.api.call('createInvite', { body: {} });
  t.is((await owner.api.refused('createInvite', { body: {} })).code, 'conflict');
  server.clock.ahead_ms = 25 * 3600_000;
  t.is(await refusal(server.url, { ...bob, invite: second.code }), 'link_invalid');
});

test('a block ends sockets, log-ins, API tokens and errands of the person, and nothing of anybody else', async (t) => {
  const { server, owner, api, session, id } = await scene(t);
  const { token } = await api.call('createToken', {
    body: { name: 'ci', scopes: ['read', 'tasks'], expires_in_days: 1 },
  });
  const queued = await sendErrand(api);
  const running = await sendErrand(api);
  new StagedErrand(server.log, running.id).begin();
  const own = await sendErrand(owner.api);
  const protocols = [SUBPROTOCOL, `bearer.${session.access_token}`];
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws/${id}`, protocols);
  await once(socket, 'open');
  const closed = once(socket, 'close');

  const blocked = await owner.api.call('blockPerson', { params: { id } });
  t.truthy(blocked.blocked_at);
  await closed;
  t.is((await api.refused('me', {})).code, 'unauthenticated');
  t.is((await new Api(server.url, token).refused('me', {})).code, 'unauthenticated');
  const nobody = new Api(server.url);
  const { refresh_token } = session;
  t.is((await nobody.refused('refresh', { body: { refresh_token } })).code, 'unauthenticated');
  const login = { body: { email: 'ada@example.org', password: PASSWORD } };
  t.is((await nobody.refused('login', login)).code, 'account_blocked');
  const { items } = await owner.api.call('listAudit', { query: { after: 0, limit: 200 } });
  const entry = items.find(({ action }) => action === 'login.failed');
  t.like(entry, { subject: id, detail: { blocked: true } });
  const wrong = { body: { email: 'ada@example.org', password: 'not the password' } };
  t.is((await nobody.refused('login', wrong)).code, 'wrong_credentials');

  const state = (task_id: string) =>
    server.db.prepare('SELECT status, cancel_reason FROM tasks WHERE id = ?').get(task_id) as Record<string, unknown>;
  t.is(state(queued.id)['status'], 'cancelled');
  t.regex(String(state(running.id)['cancel_reason']), /blocked/);
  t.is((await owner.api.call('getTask', { params: { id: own.id } })).cancel_reason, null);

  await owner.api.call('unblockPerson', { params: { id } });
  t.is((await nobody.call('login', login)).user.id, id);
});

test('a person is removed with all their errands once these have stopped, and the address is free again', async (t) => {
  const { server, owner, api, id } = await scene(t);
  const running = await sendErrand(api);
  const errand = new StagedErrand(server.log, running.id);
  errand.begin();
  t.is((await owner.api.refused('removePerson', { params: { id } })).code, 'conflict');
  t.is((await owner.api.call('listPeople', {})).items[1]?.errands, 1);
  errand.end('cancelled');
  await owner.api.call('removePerson', { params: { id } });
  t.deepEqual(
    (await owner.api.call('listPeople', {})).items.map(({ email }) => email),
    ['owner@example.org'],
  );
  t.is((await owner.api.refused('removePerson', { params: { id } })).code, 'not_found');
  const { code: invite } = await owner.api.call('createInvite', { body: {} });
  t.not((await signUp(server.url, { email: 'ada@example.org', invite })).user.id, id);
});

test('an errand that waits without a worker counts as open, and ends with a block', async (t) => {
  const { server, owner, api, id } = await scene(t);
  const { id: task_id } = await sendErrand(api);
  const errand = new StagedErrand(server.log, task_id);
  errand.begin();
  errand.end('parked');
  t.is((await owner.api.call('listPeople', {})).items[1]?.errands, 1);
  t.is((await owner.api.call('blockPerson', { params: { id } })).errands, 0);
  t.is(taskOf(server.log, task_id).status, 'cancelled');
  await owner.api.call('removePerson', { params: { id } });
  t.is((await owner.api.refused('removePerson', { params: { id } })).code, 'not_found');
});

test('the removal of somebody who is blocked already ends what they have open', async (t) => {
  const { server, owner, api, id } = await scene(t);
  const { id: task_id } = await sendErrand(api);
  new StagedErrand(server.log, task_id).begin();
  await owner.api.call('blockPerson', { params: { id } });
  // An older server left errands out.
  server.db.prepare(`UPDATE tasks SET status = 'parked', cancel_reason = NULL WHERE id = ?`).run(task_id);
  await owner.api.call('removePerson', { params: { id } });
  t.is((await owner.api.refused('removePerson', { params: { id } })).code, 'not_found');
});

test('the owner is neither blocked nor removed', async (t) => {
  const { owner } = await scene(t);
  const { id } = owner.session.user;
  t.is((await owner.api.refused('blockPerson', { params: { id } })).code, 'conflict');
  t.is((await owner.api.refused('removePerson', { params: { id } })).code, 'conflict');
});

test('the list shows each person with their money, errands and last use, in pages', async (t) => {
  const { owner, api, id } = await scene(t);
  await sendErrand(api);
  const first = await owner.api.call('listPeople', { query: { limit: 1 } });
  const rest = await owner.api.call('listPeople', { query: { limit: 1, cursor: first.next_cursor ?? '' } });
  t.like(first.items[0], { email: 'owner@example.org', role: 'owner', errands: 0, month_usd: 0, blocked_at: null });
  t.like(rest.items[0], { id, email: 'ada@example.org', role: 'member', errands: 1 });
  t.truthy(rest.items[0]?.last_used_at);
  t.is(rest.next_cursor, null);
});

for (const name of Object.keys(PEOPLE_ROUTES) as (keyof typeof PEOPLE_ROUTES)[])
  test(`${name} is for the owner alone, and for no API token`, async (t) => {
    const { server, owner, api, id } = await scene(t);
    const call = (as: Api) => as.refused(name, { params: { id }, ...('body' in PEOPLE_ROUTES[name] && { body: {} }) });
    t.is((await call(api)).code, 'forbidden');
    const body = { name: 'ci', scopes: ['read' as const], expires_in_days: 1 };
    const { token } = await owner.api.call('createToken', { body });
    t.is((await call(new Api(server.url, token))).code, 'forbidden');
  });
