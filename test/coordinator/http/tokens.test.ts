import test from 'ava';
import { createLogger } from '../../../coordinator/base/logger.ts';
import { askForHost } from '../../../coordinator/worker-api/egress/ask-for-host.ts';
import { ROUTES, type RouteName } from '../../../protocol/routes.ts';
import type { Route } from '../../../protocol/route.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { TokenScope } from '../../../protocol/tokens.ts';
import { Api } from '../../support/api.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { runTask } from '../../support/fixtures.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { TestClient } from '../../support/test-client.ts';

const DAY_MS = 24 * 3600_000;

/** All subsets of the scopes, but for the empty one. */
const SETS = [1, 2, 3, 4, 5, 6, 7].map((bits) => TokenScope.options.filter((_, n) => bits & (1 << n)));

for (const scopes of SETS)
  test(`a token with the scopes ${scopes.join(', ')} may call what they say, and no other route`, async (t) => {
    const server = await startApi(t);
    const { api } = await server.person();
    const { id } = await sendErrand(api);
    const { token } = await api.call('createToken', { body: { name: 'ci', scopes, expires_in_days: 1 } });
    const script = new Api(server.url, token);
    for (const name of Object.keys(ROUTES) as RouteName[]) {
      const { auth, scope }: Route = ROUTES[name];
      if (auth !== 'user') continue;
      const response = await script.send(name, { params: { id, event_id: '1', message_id: id, need_id: id } });
      const refused = response.status === 403 && (await response.text()).includes('the API token may not');
      t.is(refused, scope === undefined || !scopes.includes(scope), `${name}: ${response.status}`);
    }
  });

test('a token that may send errands makes no project with one, and widens none by a decision', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const tokenFor = async (...scopes: TokenScope[]) => {
    const { token } = await api.call('createToken', { body: { name: 'ci', scopes, expires_in_days: 1 } });
    return new Api(server.url, token);
  };
  const [tasks, both] = [await tokenFor('tasks'), await tokenFor('tasks', 'projects')];
  const body = { prompt: 'Mend it', repo_url: 'https://git.example.org/ann/shop', make_project: true };
  const refused = await tasks.refused('createTask', { body });
  t.is(refused.code, 'forbidden');
  t.regex(refused.detail ?? '', /no project of this repository yet, and making one needs the scope 'projects'/);
  t.deepEqual((await api.call('listTasks', {})).items, []);
  const { id, project_id } = await both.call('createTask', { body });
  t.is((await tasks.call('createTask', { body })).project_id, project_id, 'one that is there may be used');

  runTask(server.log, id);
  const ask = askForHost(server.log, createLogger('silent'));
  for (const host of ['one.example.org', 'two.example.org']) ask({ task_id: id }, host);
  await server.log.enqueue(() => undefined);
  const [first, second] = (await api.call('getTask', { params: { id } })).needs ?? [];
  const choose = (who: Api, need_id = '', value = 'project') =>
    who.send('answerNeed', { params: { id, need_id }, body: { choose: [value] } });
  t.is((await choose(tasks, first?.id)).status, 403);
  const allowed = async () => (await api.call('getProject', { params: { id: project_id ?? '' } })).allowed_hosts;
  t.deepEqual(await allowed(), []);
  t.is((await choose(tasks, first?.id, 'once')).status, 200);
  t.is((await choose(both, second?.id)).status, 200);
  t.is((await allowed()).length, 1);
});

test('what changes an account, its log-ins or its tokens needs a person, whatever the scopes', (t) => {
  const free = Object.entries(ROUTES).filter(([, route]: [string, Route]) => route.auth === 'user' && !route.scope);
  const names = free.map(([name]) => name);
  for (const name of ['deleteMe', 'changePassword', 'listSessions', 'deleteSession', 'resetPassword', 'createToken'])
    t.true(names.includes(name), name);
});

test("a token is shown once, listed without its value, and is nobody else's", async (t) => {
  const server = await startApi(t);
  const [{ api }, { api: other }] = [await server.person(), await server.person()];
  const body = { name: 'ci', scopes: ['read', 'read'] as TokenScope[], expires_in_days: 30 };
  const { token, ...made } = await api.call('createToken', { body });
  t.regex(token, /^errand_[\w-]{43}$/);
  t.deepEqual((await api.call('listTokens', {})).items, [made]);
  t.deepEqual(made.scopes, ['read']);
  t.is(Date.parse(made.expires_at) - Date.parse(made.created_at), 30 * DAY_MS);
  t.false(JSON.stringify(server.db.prepare('SELECT * FROM api_tokens').all()).includes(token));
  t.false(server.lines.join('').includes(token));
  t.deepEqual((await other.call('listTokens', {})).items, []);
  t.is((await other.refused('deleteToken', { params: { id: made.id } })).code, 'not_found');
  t.is((await new Api(server.url, token).call('me', {})).id, (await api.call('me', {})).id);
  await new Api(server.url, token).call('listTasks', {});
  t.not((await api.call('listTokens', {})).items[0]?.last_used_at, null);
});

test('a token ends when it expires, is revoked, or the password is changed or reset, and its sockets with it', async (t) => {
  const server = await startApi(t);
  const owner = await server.person();
  const ways: Record<string, (bob: Awaited<ReturnType<typeof server.person>>, id: string) => Promise<unknown>> = {
    expired: async () => (server.clock.ahead_ms += DAY_MS),
    revoked: ({ api }, id) => api.call('deleteToken', { params: { id } }),
    'password changed': ({ api }) =>
      api.call('changePassword', { body: { old_password: PASSWORD, new_password: 'another horse battery' } }),
    'password reset': ({ session }) => owner.api.call('resetPassword', { body: { email: session.user.email } }),
    'account removed': ({ api }) => api.call('deleteMe', { body: { password: PASSWORD } }),
  };
  for (const [way, end] of Object.entries(ways).toReversed()) {
    const bob = await server.person();
    const body = { name: 'ci', scopes: ['read'] as TokenScope[], expires_in_days: 1 };
    const { token, id } = await bob.api.call('createToken', { body });
    const script = new Api(server.url, token);
    const { id: user_id } = await script.call('me', {});
    const { ticket } = await script.call('wsTicket', {});
    const url = `${server.url.replace('http', 'ws')}/ws`;
    const client = new TestClient(url, user_id, ['errand.v1', `bearer.${token}`]);
    await client.until(() => client.of('hello').length === 1);
    client.say({ type: 'subscribe', after: 0 });
    await end(bob, id);
    await client.until(() => client.closed !== undefined);
    t.is(client.closed?.code, 4401, way);
    t.is((await script.refused('me', {})).code, 'unauthenticated', way);
    t.is(server.auth.authenticator.redeemTicket(ticket), undefined, way);
  }
});

test("a socket needs the scope 'read'", async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { token } = await api.call('createToken', { body: { name: 'ci', scopes: ['tasks'], expires_in_days: 1 } });
  const url = `${server.url.replace('http', 'ws')}/ws`;
  const client = new TestClient(url, session.user.id, ['errand.v1', `bearer.${token}`]);
  await client.until(() => client.closed !== undefined);
  t.is(client.closed?.code, 4401);
  t.is(client.frames.length, 0);
});

test('tokens are limited in number, in lifetime and in form; those that expired do not count', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const body = { name: 'ci', scopes: ['read'] as TokenScope[], expires_in_days: 1 };
  for (let n = 0; n < LIMITS.api_tokens_per_user_max; n++) await api.call('createToken', { body });
  t.is((await api.refused('createToken', { body })).code, 'conflict');
  server.clock.ahead_ms += DAY_MS;
  const session = await new Api(server.url).call('login', {
    body: { email: 'person1@example.org', password: PASSWORD },
  });
  const later = new Api(server.url, session.access_token);
  await later.call('createToken', { body });
  t.is(server.db.prepare('SELECT count(*) FROM api_tokens').pluck().get(), 1);
  for (const [field, value] of Object.entries({
    name: '',
    scopes: [],
    expires_in_days: LIMITS.api_token_days_max + 1,
  }))
    t.is((await later.refused('createToken', { body: { ...body, [field]: value } })).errors?.[0]?.field, `/${field}`);
  t.is((await later.refused('createToken', { body: { ...body, scopes: ['admin'] } })).code, 'invalid');
});

test('what only looks like a token is refused', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { token } = await api.call('createToken', { body: { name: 'ci', scopes: ['read'], expires_in_days: 1 } });
  for (const wrong of [
    'errand_',
    token.slice(0, -1),
    `${token}x`,
    token.toUpperCase(),
    token.slice(7),
    `errand_${'x'.repeat(10_000)}`,
  ])
    t.is((await new Api(server.url, wrong).refused('me', {})).code, 'unauthenticated', wrong.slice(0, 60));
});
