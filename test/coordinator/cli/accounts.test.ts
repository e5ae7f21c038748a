import { stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import test from 'ava';
import { setupLink } from '../../../coordinator/auth/setup-code.ts';
import { Api } from '../../support/api.ts';
import { CommandLine } from '../../support/command-line.ts';
import { loggedIn } from '../../support/logged-in.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';
import { startFaultyProxy } from '../../support/web/faulty-proxy.ts';

const CLIENT = { address: '127.0.0.1', user_agent: null };
const NEW_PASSWORD = 'another horse battery';

test('signup takes the link that the server printed and ERRAND_PASSWORD, and stores the log-in with mode 600', async (t) => {
  const server = await startApi(t);
  const cli = await CommandLine.create(t);
  const argv = ['signup', setupLink(server.url, server.setup_code), '--email', 'ada@example.org'];
  const { code, stdout } = await cli.run(argv, { env: { ERRAND_PASSWORD: PASSWORD } });
  t.is(code, 0);
  t.is(stdout, `You are logged in to ${server.url} as ada@example.org (owner).\n`);
  t.is((await stat(cli.servers_path)).mode & 0o777, 0o600);
  t.is((await stat(dirname(cli.servers_path))).mode & 0o777, 0o700);
});

test('signup without the code or with a wrong one says what is needed, and login says what the link is for', async (t) => {
  const server = await startApi(t);
  const cli = await CommandLine.create(t);
  const signup = (link: string) => cli.run(['signup', link, '--email', 'ada@example.org'], { stdin: PASSWORD });
  for (const [link, fault] of [
    [server.url, 'is missing'],
    [setupLink(server.url, 'guess'), 'is not that of this server, or was mistyped'],
  ] as const) {
    const { code, stderr } = await signup(link);
    t.is(code, 2);
    t.true(stderr.includes(`Its one-time code ${fault}: sign up with the whole link that the server printed`), stderr);
  }
  const alone = await signup(server.setup_code);
  t.regex(alone.stderr, /^A code alone does not say which server it is for: give the whole link/);
  const link = setupLink(server.url, server.setup_code);
  const { stderr } = await cli.run(['login', '--server', link], { stdin: PASSWORD });
  t.true(stderr.startsWith(`This link makes an account: npx errand signup ${link}\n`), stderr);
  t.is((await signup(link)).code, 0);
  const member = await cli.run(['signup', server.url, '--name', 'as bob', '--email', 'bob@example.org'], {
    stdin: PASSWORD,
  });
  t.is(member.stdout, `You are logged in to ${server.url} as bob@example.org (member).\n`);
});

test('login reports a wrong password, and does not prompt without a terminal', async (t) => {
  const { server, session } = await loggedIn(t);
  const cli = await CommandLine.create(t);
  const login = ['login', '--server', server.url, '--email', session.user.email];
  const wrong = await cli.run(login, { stdin: 'not the one' });
  t.is(wrong.code, 2);
  t.is(wrong.stderr, 'The e-mail address or the password is wrong.\n');
  const silent = await cli.run(['login', '--server', server.url]);
  t.is(silent.code, 2);
  t.is(silent.stderr, 'E-mail is missing, and there is no terminal to ask on.\n');
});

test('logout ends the log-in on the server, and the next login needs only the password', async (t) => {
  const { server, network, session, cli } = await loggedIn(t);
  const { refresh_token } = await cli.login();
  t.is((await cli.run(['logout'])).stdout, `You are logged out of ${network.url}.\n`);
  await t.throwsAsync(server.auth.logins.refresh(refresh_token, CLIENT));
  const after = await cli.run(['tasks']);
  t.is(after.code, 2);
  t.is(after.stderr, 'You are not logged in.\nLog in with: npx errand login\n');
  const again = await cli.run(['login'], { stdin: PASSWORD });
  t.is(again.stdout, `You are logged in to ${network.url} as ${session.user.email} (owner).\n`);
  t.is((await cli.run(['tasks'])).code, 0);
});

test('a logout that the server cannot do now keeps the log-in, so that it can be done again', async (t) => {
  const server = await startApi(t);
  const proxy = await startFaultyProxy(t, server.url);
  const { session } = await server.person();
  const cli = await CommandLine.create(t);
  await cli.run(['login', '--server', proxy.url, '--email', session.user.email], { stdin: `${PASSWORD}\n` });
  const { refresh_token } = await cli.login();
  proxy.answer = ({ url = '' }, response) => {
    if (!url.endsWith('/logout')) return false;
    const problem = { type: 'urn:errand:problem:internal', title: 'Internal', status: 500, code: 'internal' };
    response.writeHead(500, { 'content-type': 'application/problem+json' }).end(JSON.stringify(problem));
    return true;
  };
  const { code, stdout } = await cli.run(['logout']);
  t.not(code, 0);
  t.is(stdout, '');
  t.is((await cli.login()).refresh_token, refresh_token);
  proxy.answer = () => false;
  t.is((await cli.run(['logout'])).code, 0);
  await t.throwsAsync(server.auth.logins.refresh(refresh_token, CLIENT));
});

test('several processes with an expired token renew it once', async (t) => {
  const { server, cli } = await loggedIn(t);
  const stored = await cli.login();
  const expired = (await cli.servers()).servers.map((each) => ({ ...each, login: { ...stored, expires_at_ms: 0 } }));
  await writeFile(cli.servers_path, JSON.stringify({ ...(await cli.servers()), servers: expired }));
  const ended = await Promise.all(Array.from({ length: 5 }, () => cli.run(['tasks'])));
  t.deepEqual(
    ended.map(({ code, stderr }) => ({ code, stderr })),
    Array.from({ length: 5 }, () => ({ code: 0, stderr: '' })),
  );
  t.is(server.db.prepare('SELECT count(*) AS n FROM refresh_tokens WHERE used_at IS NOT NULL').pluck().get(), 1);
  const renewed = await cli.login();
  t.not(renewed.refresh_token, stored.refresh_token);
  await t.notThrowsAsync(server.auth.logins.refresh(renewed.refresh_token, CLIENT));
});

test('password changes the password and keeps the current log-in', async (t) => {
  const { server, session, cli } = await loggedIn(t);
  const wrong = await cli.run(['password'], { stdin: `not the one\n${NEW_PASSWORD}\n` });
  t.deepEqual([wrong.code, wrong.stderr], [2, 'Your current password is wrong.\n']);
  const short = await cli.run(['password'], { stdin: `${PASSWORD}\nshort\n` });
  t.is(short.stderr, 'the new password is too short: at least 10 characters\n');
  t.regex((await cli.run(['password'], { stdin: PASSWORD })).stderr, /^The standard input has two lines/);
  const changed = await cli.run(['password'], { stdin: `${PASSWORD}\n${NEW_PASSWORD}\n` });
  t.is(changed.stdout, 'The password is changed. Your other log-ins have ended.\n', changed.stderr);
  t.is((await cli.run(['tasks'])).code, 0);
  const { email } = session.user;
  await t.throwsAsync(server.auth.logins.login({ email, password: PASSWORD }, CLIENT));
  await t.notThrowsAsync(server.auth.logins.login({ email, password: NEW_PASSWORD }, CLIENT));
});

test('password says what a new one does not end', async (t) => {
  const { server, session, cli } = await loggedIn(t);
  const api = new Api(server.url, session.access_token);
  await api.call('createChannel', { body: { kind: 'webhook', name: 'Bot', url: 'https://hooks.example.org/hook' } });
  for (let n = 0; n < 2; n++) await api.call('createInvite', { body: {} });
  const { stdout, stderr } = await cli.run(['password'], { stdin: `${PASSWORD}\n${NEW_PASSWORD}\n` });
  t.deepEqual(
    stdout.trim().split('\n').slice(1),
    [
      'Still there: 1 notification channel. See npx errand notify',
      'Still there: 2 invitations. See npx errand invites',
    ],
    stderr,
  );
});

test('password --for gives another account a new password', async (t) => {
  const { server, cli } = await loggedIn(t);
  const bob = await server.person('bob@example.org');
  t.regex((await cli.run(['password', '--for', 'eve@example.org'])).stderr, /no account with the e-mail address eve@/);
  const { stdout } = await cli.run(['password', '--for', 'bob@example.org']);
  const password = /^The new password of bob@example\.org is (\S+)$/m.exec(stdout)?.[1] ?? '';
  t.is((await bob.api.refused('me', {})).code, 'unauthenticated');
  await t.notThrowsAsync(server.auth.logins.login({ email: 'bob@example.org', password }, CLIENT));
});

test('sessions lists the log-ins with local times, and session revoke ends one', async (t) => {
  const { api, cli } = await loggedIn(t);
  const env = { TZ: 'Asia/Tokyo' };
  const { stdout } = await cli.run(['sessions'], { env });
  const [this_one = '', phone = '', ...more] = stdout.trimEnd().split('\n');
  t.deepEqual(more, []);
  t.regex(
    this_one,
    /^\w{6} {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}errand command line on \S+, from 127\.0\.0\.1 {2}this one$/,
  );
  const { items } = await api.call('listSessions', {});
  const tokyo = new Date(items[0]?.last_used_at ?? '').toLocaleString('sv-SE', { timeZone: 'Asia/Tokyo' }).slice(0, 16);
  t.true(this_one.includes(tokyo), this_one);
  t.is((await cli.run(['session', 'revoke', phone.slice(0, 6)])).stdout, 'The log-in has ended.\n');
  t.is((await api.refused('me', {})).code, 'unauthenticated');
  t.is((await cli.run(['sessions', '--json'])).stdout.trimEnd().split('\n').length, 1);
  const gone = await cli.run(['session', 'revoke', phone.slice(0, 6)]);
  t.regex(gone.stderr, /^There is no session '\w{6}'\.\nList them with: npx errand sessions\n$/);
});
