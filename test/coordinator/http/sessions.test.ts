import { once } from 'node:events';
import test from 'ava';
import { REFRESH_TOKEN_S } from '../../../coordinator/auth/sessions.ts';
import { WebSocket } from 'ws';
import { LIMITS } from '../../../protocol/limits.ts';
import { CLOSE, SUBPROTOCOL } from '../../../protocol/socket.ts';
import { Api } from '../../support/api.ts';
import { PASSWORD, startApi, type StartedApi } from '../../support/start-api.ts';

const logIn = async (server: StartedApi, email: string, headers: Record<string, string> = {}) => {
  const session = await new Api(server.url).call('login', { body: { email, password: PASSWORD }, headers });
  return { session, api: new Api(server.url, session.access_token) };
};

test('log-ins are listed newest first, and each says where it comes from', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person('ada@example.org');
  await server.person('bob@example.org');
  server.clock.ahead_ms = 1000;
  const phone = await logIn(server, 'ada@example.org', { 'user-agent': 'Phone/1.0' });
  const { items, next_cursor } = await api.call('listSessions', {});
  t.is(next_cursor, null);
  t.deepEqual(
    items.map(({ user_agent, address, current }) => ({ user_agent, address, current })),
    [
      { user_agent: 'Phone/1.0', address: '127.0.0.1', current: false },
      { user_agent: null, address: '10.0.0.1', current: true },
    ],
  );
  t.deepEqual(
    (await phone.api.call('listSessions', {})).items.map(({ current }) => current),
    [true, false],
  );
});

test('a refresh updates when and where a log-in was last used, not when it began', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const [before] = (await api.call('listSessions', {})).items;
  t.is(before?.last_used_at, before?.created_at);
  server.clock.ahead_ms = 300_000;
  const { refresh_token } = session;
  await api.call('refresh', { body: { refresh_token }, headers: { 'user-agent': 'Phone/2.0' } });
  const [after, ...more] = (await api.call('listSessions', {})).items;
  t.deepEqual(more, []);
  t.like(after, { id: before?.id, created_at: before?.created_at, user_agent: 'Phone/2.0', address: '127.0.0.1' });
  t.true(Date.parse(after?.last_used_at ?? '') - Date.parse(before?.last_used_at ?? '') >= 300_000);
});

test('a request that a log-in sends counts as its use', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person('ada@example.org');
  const phone = await logIn(server, 'ada@example.org');
  const lastUse = async () =>
    (await api.call('listSessions', {})).items.map(({ last_used_at }) => last_used_at)[0] ?? '';
  const before = await lastUse();
  server.clock.ahead_ms = 120_000;
  t.is(await lastUse(), before, 'another log-in sent it');
  await phone.api.call('listTasks', {});
  t.true(Date.parse(await lastUse()) - Date.parse(before) >= 119_000);
});

test('the list comes in pages', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person('ada@example.org');
  for (let n = 0; n < 4; n++) await logIn(server, 'ada@example.org');
  const all = (await api.call('listSessions', {})).items.map(({ id }) => id);
  const first = await api.call('listSessions', { query: { limit: 3 } });
  const rest = await api.call('listSessions', { query: { limit: 3, cursor: first.next_cursor ?? '' } });
  t.is(rest.next_cursor, null);
  t.deepEqual(
    [...first.items, ...rest.items].map(({ id }) => id),
    all,
  );
  t.is(all.length, 5);
});

test('a log-in that has expired is not listed', async (t) => {
  const server = await startApi(t);
  await server.person('ada@example.org');
  server.clock.ahead_ms = REFRESH_TOKEN_S * 1000 + 1000;
  const { api } = await logIn(server, 'ada@example.org');
  t.is((await api.call('listSessions', {})).items.length, 1);
});

test('a log-in that is ended loses its tokens and its sockets at once', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person('ada@example.org');
  const lost = await logIn(server, 'ada@example.org');
  const { access_token, refresh_token, user } = lost.session;
  const protocols = [SUBPROTOCOL, `bearer.${access_token}`];
  const socket = new WebSocket(`${server.url.replace('http', 'ws')}/ws/${user.id}`, protocols);
  await once(socket, 'message');
  const closed = once(socket, 'close');
  const id = (await lost.api.call('listSessions', {})).items.find(({ current }) => current)?.id ?? '';
  await api.call('deleteSession', { params: { id } });
  t.is((await closed)[0], CLOSE.unauthenticated);
  t.is((await lost.api.refused('me', {})).code, 'unauthenticated');
  t.is((await lost.api.refused('refresh', { body: { refresh_token } })).code, 'unauthenticated');
  t.is((await api.refused('deleteSession', { params: { id } })).code, 'not_found', 'a repeat finds nothing left');
  t.is((await api.call('me', {})).id, user.id);
});

test('a log-in can end itself', async (t) => {
  const { api } = await (await startApi(t)).person();
  const [own] = (await api.call('listSessions', {})).items;
  await api.call('deleteSession', { params: { id: own?.id ?? '' } });
  t.is((await api.refused('me', {})).code, 'unauthenticated');
});

test('a device has the name that its person gives it, also after a refresh, until it is taken away', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person('ada@example.org');
  const phone = await logIn(server, 'ada@example.org');
  const [of_phone] = (await api.call('listSessions', {})).items;
  const params = { id: of_phone?.id ?? '' };
  const names = async () => (await api.call('listSessions', {})).items.map(({ name }) => name);
  t.deepEqual(await names(), [null, null]);
  await api.call('patchSession', { params, body: { name: ' Phone of Ada ' } });
  t.deepEqual(await names(), ['Phone of Ada', null]);
  const { refresh_token } = phone.session;
  const renewed = await new Api(server.url).call('refresh', { body: { refresh_token } });
  t.deepEqual(await names(), ['Phone of Ada', null]);
  await new Api(server.url, renewed.access_token).call('patchSession', { params, body: { name: null } });
  t.deepEqual(await names(), [null, null]);
  t.is((await api.refused('patchSession', { params, body: { name: ' ' } })).code, 'invalid');
  await api.call('deleteSession', { params });
  t.is((await api.refused('patchSession', { params, body: { name: 'Gone' } })).code, 'not_found');
});

test("nobody ends or names someone else's log-in, or learns of it", async (t) => {
  const server = await startApi(t);
  const { api: owner } = await server.person('ada@example.org');
  const { api: member } = await server.person('bob@example.org');
  const [one] = (await member.call('listSessions', {})).items;
  t.is((await owner.refused('deleteSession', { params: { id: one?.id ?? '' } })).code, 'not_found');
  t.is((await owner.refused('deleteSession', { params: { id: 'nonsense' } })).code, 'not_found');
  const named = { params: { id: one?.id ?? '' }, body: { name: 'Mine' } };
  t.is((await owner.refused('patchSession', named)).code, 'not_found');
  t.is((await new Api(server.url).refused('listSessions', {})).code, 'unauthenticated');
  t.truthy(await member.call('me', {}));
});

test('the stored User-Agent is limited in length and has no control characters', async (t) => {
  const server = await startApi(t);
  await server.person('ada@example.org');
  const name = `\u009b31m${'x'.repeat(LIMITS.user_agent_chars_max + 1)}`;
  const { api } = await logIn(server, 'ada@example.org', { 'user-agent': name });
  const [one] = (await api.call('listSessions', {})).items;
  t.is(one?.user_agent, `31m${'x'.repeat(LIMITS.user_agent_chars_max - 3)}`);
});

test('the address that a trusted proxy reports is limited in length', async (t) => {
  const server = await startApi(t, { ERRAND_TRUST_PROXY: 'true' });
  await server.person('ada@example.org');
  const { api } = await logIn(server, 'ada@example.org', { 'x-forwarded-for': 'y'.repeat(1000) });
  t.is((await api.call('listSessions', {})).items[0]?.address, 'y'.repeat(64));
});
