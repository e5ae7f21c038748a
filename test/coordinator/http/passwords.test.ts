import test from 'ava';
import { Sessions } from '../../../coordinator/auth/sessions.ts';
import { Passwords } from '../../../coordinator/auth/passwords.ts';
import { resetPassword } from '../../../coordinator/auth/reset-password.ts';
import type { Session } from '../../../protocol/accounts.ts';
import { Api } from '../../support/api.ts';
import { PASSWORD, startApi, type StartedApi } from '../../support/start-api.ts';

const NEW = 'a battery of new horses';
const change = { body: { old_password: PASSWORD, new_password: NEW } };

const logIn = (server: StartedApi, email: string, password: string): Promise<Session> =>
  new Api(server.url).call('login', { body: { email, password } });
const cannotLogIn = async (server: StartedApi, email: string, password: string) =>
  (await new Api(server.url).refused('login', { body: { email, password } })).code;
const isLoggedIn = async (server: StartedApi, { access_token, refresh_token }: Session) => {
  const me = await new Api(server.url, access_token).send('me', {});
  const refreshed = await new Api(server.url).send('refresh', { body: { refresh_token } });
  return [me.ok, refreshed.ok];
};

test('a changed password ends all log-ins but the one that changed it', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person('ada@example.org');
  const other = await logIn(server, 'ada@example.org', PASSWORD);
  const { session: bystander } = await server.person('bob@example.org');
  const ended: string[] = [];
  server.auth.sessions.onEnded((id) => ended.push(id));
  await api.call('changePassword', change);
  t.is(ended.length, 1);
  t.deepEqual(await isLoggedIn(server, session), [true, true]);
  t.deepEqual(await isLoggedIn(server, other), [false, false]);
  t.deepEqual(await isLoggedIn(server, bystander), [true, true]);
  t.is(await cannotLogIn(server, 'ada@example.org', PASSWORD), 'wrong_credentials');
  t.truthy(await logIn(server, 'ada@example.org', NEW));
});

test('a repeat of a password change whose answer was lost is answered the same, and changes nothing', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person('ada@example.org');
  await api.call('changePassword', change);
  const hash = server.db.prepare('SELECT password_hash FROM users').pluck().get();
  const other = await logIn(server, 'ada@example.org', NEW);
  await api.call('changePassword', change);
  t.is(server.db.prepare('SELECT password_hash FROM users').pluck().get(), hash);
  t.deepEqual(await isLoggedIn(server, other), [true, true]);
});

test('of two concurrent password changes, one succeeds', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person('ada@example.org');
  const to = (new_password: string) => api.send('changePassword', { body: { old_password: PASSWORD, new_password } });
  const statuses = (await Promise.all([to(NEW), to(`${NEW} too`)])).map(({ status }) => status);
  t.deepEqual(
    statuses.toSorted((a, b) => a - b),
    [204, 401],
  );
});

test('a log-in whose password is changed while it is being checked fails', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person('ada@example.org');
  class SlowPasswords extends Passwords {
    override async matches(...given: Parameters<Passwords['matches']>): Promise<boolean> {
      const right = await super.matches(...given);
      await api.call('changePassword', change);
      return right;
    }
  }
  const { logins } = server.authWith(new SlowPasswords(4));
  const client = { address: '10.9.0.1', user_agent: null };
  await t.throwsAsync(logins.login({ email: 'ada@example.org', password: PASSWORD }, client), {
    message: 'The e-mail address or the password is wrong.',
  });
  t.is((await api.call('listSessions', {})).items.length, 1);
});

test('an owner whose log-in ends while the new password is hashed resets nothing', async (t) => {
  const server = await startApi(t);
  const { session } = await server.person('owner@example.org');
  await server.person('ada@example.org');
  class SlowPasswords extends Passwords {
    override async hash(...given: Parameters<Passwords['hash']>): Promise<string> {
      server.auth.logins.logout(session.refresh_token);
      return super.hash(...given);
    }
  }
  const who = await server.auth.authenticator.authenticate(session.access_token);
  const { accounts } = server.authWith(new SlowPasswords(4));
  const client = { address: '10.9.0.1', user_agent: null };
  await t.throwsAsync(accounts.resetPasswordOf(who, 'ada@example.org', client), { message: /log-in has ended/ });
  t.truthy(await logIn(server, 'ada@example.org', PASSWORD));
});

test('a wrong current password is named as such, at its field', async (t) => {
  const { api } = await (await startApi(t)).person();
  const wrong = await api.refused('changePassword', { body: { old_password: 'not the one', new_password: NEW } });
  t.like(wrong, { code: 'wrong_credentials', detail: 'Your current password is wrong.' });
  t.deepEqual(
    wrong.errors?.map(({ field }) => field),
    ['/old_password'],
  );
});

test('guesses of the old password are rate limited like log-ins', async (t) => {
  const server = await startApi(t);
  const { api, password } = await server.person('ada@example.org');
  const wrong = { body: { old_password: 'not the one', new_password: NEW } };
  for (let n = 0; n < 5; n++) t.is((await api.refused('changePassword', wrong)).code, 'wrong_credentials');
  const problem = await api.refused('changePassword', change);
  t.is(problem.code, 'rate_limited');
  t.is(problem.headers.get('retry-after'), '1');
  await new Api(server.url).call('login', { body: { email: 'ada@example.org', password } });
  server.clock.ahead_ms += 2000;
  await api.call('changePassword', change);
});

test('a new password is checked as at sign-up', async (t) => {
  const { api } = await (await startApi(t)).person();
  const refused = async (new_password: unknown, old_password: unknown = PASSWORD) => {
    const { code, errors } = await api.refused('changePassword', { body: { old_password, new_password } });
    return [code, errors?.map(({ field }) => field).join()];
  };
  t.deepEqual(await refused('short'), ['invalid', '/new_password']);
  t.deepEqual(await refused('x'.repeat(73)), ['invalid', '/new_password']);
  t.deepEqual(await refused('with a \0 in it'), ['invalid', '/new_password']);
  t.deepEqual(await refused(undefined), ['invalid', '/new_password']);
  t.deepEqual(await refused(NEW, 'x'.repeat(201)), ['invalid', '/old_password']);
  t.is((await new Api(api.url).refused('changePassword', change)).code, 'unauthenticated');
});

test("the owner resets someone's password: it is shown once, and that person's log-ins end", async (t) => {
  const server = await startApi(t);
  const { api: owner, session: owners } = await server.person('ada@example.org');
  const { session } = await server.person('bob@example.org');
  for (let n = 0; n < 6; n++) await cannotLogIn(server, 'bob@example.org', 'a wrong guess');
  const done = await owner.call('resetPassword', { body: { email: ' BOB@example.org' } });
  t.is(done.email, 'bob@example.org');
  t.regex(done.password, /^([a-z2-9]{5}-){3}[a-z2-9]{5}$/);
  t.deepEqual(await isLoggedIn(server, session), [false, false]);
  t.deepEqual(await isLoggedIn(server, owners), [true, true]);
  t.truthy(await logIn(server, 'bob@example.org', done.password), 'earlier failures do not lock them out');
  t.is(await cannotLogIn(server, 'bob@example.org', PASSWORD), 'wrong_credentials');
  const again = await owner.call('resetPassword', { body: { email: 'bob@example.org' } });
  t.not(again.password, done.password);
  const kept = JSON.stringify(server.db.prepare('SELECT * FROM users').all()) + server.lines.join('');
  for (const { password } of [done, again]) t.false(kept.includes(password));
});

test('only the owner resets passwords, and not their own', async (t) => {
  const server = await startApi(t);
  const { api: owner } = await server.person('ada@example.org');
  const { api: member } = await server.person('bob@example.org');
  const reset = async (api: Api, email: string) => (await api.refused('resetPassword', { body: { email } })).code;
  t.is(await reset(member, 'ada@example.org'), 'forbidden');
  t.is(await reset(member, 'nobody@example.org'), 'forbidden', 'a member does not learn who has an account');
  t.is(await reset(member, 'bob@example.org'), 'forbidden');
  t.is(await reset(owner, 'nobody@example.org'), 'not_found');
  t.is(await reset(owner, 'ada@example.org'), 'conflict');
  t.is(await reset(owner, `${'x'.repeat(254)}@example.org`), 'invalid');
  t.is(await reset(new Api(server.url), 'bob@example.org'), 'unauthenticated');
  t.truthy(await logIn(server, 'bob@example.org', PASSWORD));
});

test("from the server's shell the owner's password can be reset, too", async (t) => {
  const server = await startApi(t);
  const { session } = await server.person('ada@example.org');
  const sessions = new Sessions(server.log, server.keys, Date.now);
  const parts = { log: server.log, passwords: new Passwords(4), sessions };
  const { password } = await resetPassword(parts, 'ada@example.org');
  t.deepEqual(await isLoggedIn(server, session), [false, false]);
  t.truthy(await logIn(server, 'ada@example.org', password));
  await t.throwsAsync(resetPassword(parts, 'nobody@example.org'), { message: /no account .* nobody@example.org/ });
});
