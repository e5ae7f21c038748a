import test from 'ava';
import { REFRESH_TOKEN_S } from '../../../coordinator/auth/sessions.ts';
import { ACCESS_TOKEN_S } from '../../../coordinator/auth/access-tokens.ts';
import type { Session } from '../../../protocol/accounts.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { Api } from '../../support/api.ts';
import { PASSWORD, startApi, type StartedApi } from '../../support/start-api.ts';

const refresh = (server: StartedApi, { refresh_token }: Session): Promise<Session> =>
  new Api(server.url).call('refresh', { body: { refresh_token } });
const refused = async (server: StartedApi, { refresh_token }: Session) =>
  (await new Api(server.url).refused('refresh', { body: { refresh_token } })).code;
const isLoggedIn = async (server: StartedApi, { access_token }: Session): Promise<boolean> => {
  const response = await new Api(server.url, access_token).send('me', {});
  await response.text();
  return response.ok;
};

test('a refresh token is exchanged for another pair', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const next = await refresh(server, session);
  t.not(next.refresh_token, session.refresh_token);
  t.true(await isLoggedIn(server, next));
  t.true(await isLoggedIn(server, session), 'the access token before lives out its time');
});

test('a token whose answer was lost gives the same successor until that is used, however late', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const [one, other] = await Promise.all([refresh(server, session), refresh(server, session)]);
  t.is(one.refresh_token, other.refresh_token);
  // Well within the life of the token: the clock also goes on by itself.
  server.clock.ahead_ms = (REFRESH_TOKEN_S - 60) * 1000;
  const late = await refresh(server, session);
  t.is(late.refresh_token, one.refresh_token);
  t.true(await isLoggedIn(server, late));
});

test('a token that is reused after its successor ends the log-in, its access tokens and its sockets', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const ended: string[] = [];
  server.auth.sessions.onEnded((id) => ended.push(id));
  const identity = await server.auth.authenticator.authenticate(session.access_token);
  const ticket = server.auth.authenticator.issueTicket(identity);
  const next = await refresh(server, await refresh(server, session));
  t.is(await refused(server, session), 'refresh_reused');
  t.deepEqual(ended, [identity.session]);
  t.false(await isLoggedIn(server, next));
  t.is(server.auth.authenticator.redeemTicket(ticket), undefined);
  t.is(await refused(server, next), 'unauthenticated');
});

test('a token whose successor was used ends the log-in at once', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const next = await refresh(server, session);
  const newest = await refresh(server, next);
  t.is(await refused(server, session), 'refresh_reused');
  t.false(await isLoggedIn(server, newest));
});

test('a token whose successor cannot be decrypted counts as reused, and ends the log-in', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const next = await refresh(server, session);
  server.db.prepare(`UPDATE refresh_tokens SET successor = 'of other keys' WHERE successor IS NOT NULL`).run();
  t.is(await refused(server, session), 'refresh_reused');
  t.false(await isLoggedIn(server, next));
});

test('other log-ins go on when one ends', async (t) => {
  const server = await startApi(t);
  const { session, password } = await server.person('ada@example.org');
  const other = await new Api(server.url).call('login', { body: { email: 'ada@example.org', password } });
  await new Api(server.url).call('logout', { body: { refresh_token: session.refresh_token } });
  t.false(await isLoggedIn(server, session));
  t.true(await isLoggedIn(server, other));
});

test('a refresh token expires and is deleted', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  server.clock.ahead_ms = REFRESH_TOKEN_S * 1000 + 1000;
  t.is(await refused(server, session), 'unauthenticated');
  t.is(server.db.prepare('SELECT count(*) FROM refresh_tokens').pluck().get(), 0);
});

test('an access token expires', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  server.clock.ahead_ms = ACCESS_TOKEN_S * 1000 + 1000;
  t.false(await isLoggedIn(server, session));
  t.true(await isLoggedIn(server, await refresh(server, session)));
});

test('no token is stored in plain text', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const next = await refresh(server, session);
  const stored = JSON.stringify(server.db.prepare('SELECT * FROM refresh_tokens').all());
  t.false(stored.includes(session.refresh_token));
  t.false(stored.includes(next.refresh_token));
  const log = server.lines.join('');
  for (const secret of [session.refresh_token, next.access_token, PASSWORD]) t.false(log.includes(secret));
});

test("past the limit, a user's oldest log-in ends", async (t) => {
  const server = await startApi(t);
  const { session } = await server.person('ada@example.org');
  const client = { address: '10.1.0.1', user_agent: null };
  const identity = await server.auth.authenticator.authenticate(session.access_token);
  const ended: string[] = [];
  server.auth.sessions.onEnded((id) => ended.push(id));
  for (let n = 1; n < LIMITS.sessions_per_user_max; n++) {
    server.clock.ahead_ms = n;
    await server.auth.logins.login({ email: 'ada@example.org', password: PASSWORD }, client);
  }
  t.deepEqual(ended, []);
  t.true(await isLoggedIn(server, session));
  server.clock.ahead_ms = 60_000;
  await server.auth.logins.login({ email: 'ada@example.org', password: PASSWORD }, client);
  t.deepEqual(ended, [identity.session]);
});

test('a log-in by a link is no fresher than its maker, which it may push past the limit', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  const { sessions, authenticator } = server.auth;
  const maker = await authenticator.authenticate(session.access_token);
  const client = { address: '10.1.0.1', user_agent: null };
  const begin = (from?: string) => server.log.write((tx) => sessions.begin(tx, maker.user_id, client, from));
  server.clock.ahead_ms = (LIMITS.fresh_login_s + 1) * 1000;
  for (let n = 1; n < LIMITS.sessions_per_user_max; n++) t.true(sessions.isFresh(begin()));
  t.false(sessions.isFresh(begin(maker.session)));
  t.false(sessions.lives(maker));
});

test('the log-ins of a person in a day are limited, which locks nobody out where they were before', async (t) => {
  const server = await startApi(t);
  const { user } = (await server.person('ada@example.org')).session;
  const body = { email: 'ada@example.org', password: PASSWORD };
  await new Api(server.url).call('login', { body });
  const beginAt = (address: string) =>
    server.log.write((tx) => server.auth.sessions.begin(tx, user.id, { address, user_agent: null }));
  const flood = (addressOf: (n: number) => string) => () => {
    for (let n = 0; n <= LIMITS.logins_per_day_max + 1; n++) beginAt(addressOf(n));
  };
  const refused = { code: 'rate_limited' };
  t.throws(
    flood(() => '10.1.0.1'),
    refused,
  );
  // Few enough that the networks of before are still known.
  for (let n = 0; n < 40; n++) beginAt(`10.2.0.${n}`);
  t.is((await new Api(server.url).call('login', { body })).user.id, user.id);
  // Nobody waits for a whole day.
  server.clock.ahead_ms = 10 * 60_000;
  t.truthy(beginAt('10.1.0.1'));
  t.throws(
    flood((n) => `10.3.${n}.1`),
    refused,
  );
});

test('a right password or link that is refused for the limit of a day is no guess', async (t) => {
  const server = await startApi(t);
  const { user, access_token } = (await server.person('ada@example.org')).session;
  await server.person('bob@example.org');
  const client = { address: '10.9.0.1', user_agent: null };
  const who = await server.auth.authenticator.authenticate(access_token);
  const begin = () => server.log.write((tx) => server.auth.sessions.begin(tx, user.id, client));
  let { session } = begin();
  for (let n = 0; n < LIMITS.logins_per_day_max; n++) ({ session } = begin());
  t.throws(begin, { code: 'rate_limited' });
  const { code } = server.auth.link_logins.create({ ...who, session }, client);
  const body = { email: 'ada@example.org', password: PASSWORD };
  for (let n = 0; n < 40; n++) {
    await t.throwsAsync(server.auth.logins.login(body, client), { message: /too often today/ });
    await t.throwsAsync(async () => server.auth.link_logins.redeem(code, client), { message: /too often today/ });
  }
  t.truthy(await server.auth.logins.login({ ...body, email: 'bob@example.org' }, client), 'at the same address');
});

test('links to log in with are limited by the day, too', async (t) => {
  const server = await startApi(t);
  const who = await server.auth.authenticator.authenticate((await server.person()).session.access_token);
  const client = { address: '10.1.0.1', user_agent: null };
  const make = () => {
    for (let n = 0; n < LIMITS.login_links_per_minute_max; n++) server.auth.link_logins.create(who, client);
    server.clock.ahead_ms += 60_000;
  };
  t.throws(
    () => {
      for (let minute = 0; minute < 20; minute++) make();
    },
    { message: /too many log-in links today/ },
  );
});

test('a log-in can be refreshed a limited number of times', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person();
  server.db
    .prepare(
      `INSERT INTO refresh_tokens (hash, family, user_id, created_at, expires_at, used_at)
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
       SELECT 'old' || i, family, user_id, created_at, expires_at, created_at FROM refresh_tokens, n`,
    )
    .run(LIMITS.refreshes_per_session_max - 1);
  t.is(await refused(server, session), 'unauthenticated');
  t.false(await isLoggedIn(server, session));
});
