import test from 'ava';
import { Api, readProblem } from '../../support/api.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';

const account = (name: string) => ({ email: `${name}@example.org`, password: PASSWORD });

test('of many first sign-ups at once, one makes the owner and the others are refused', async (t) => {
  const server = await startApi(t, { ERRAND_SIGNUP: 'closed' });
  const api = new Api(server.url);
  const responses = await Promise.all(['a', 'b', 'c', 'd'].map((name) => api.send('signup', { body: account(name) })));
  const codes = await Promise.all(
    responses.map(async (response) => (response.ok ? 'made' : (await readProblem(response)).code)),
  );
  t.deepEqual(codes.sort(), ['made', 'signup_closed', 'signup_closed', 'signup_closed']);
  t.deepEqual(server.db.prepare('SELECT role FROM users').pluck().all(), ['owner']);
  t.is((await api.refused('signup', { body: account('e') })).code, 'signup_closed');
});

test('where sign-up is open, the first is the owner and the others are members', async (t) => {
  const api = new Api((await startApi(t)).url);
  const sessions = await Promise.all(['a', 'b', 'c'].map((name) => api.call('signup', { body: account(name) })));
  t.deepEqual(sessions.map(({ user }) => user.role).sort(), ['member', 'member', 'owner']);
});

test('an e-mail address has one account, however it is written', async (t) => {
  const server = await startApi(t);
  const api = new Api(server.url);
  await api.call('signup', { body: account('ada') });
  const problem = await api.refused('signup', { body: { email: ' ADA@example.ORG', password: PASSWORD } });
  t.is(problem.code, 'email_taken');
  t.truthy(await api.call('login', { body: { email: 'Ada@Example.org ', password: PASSWORD } }));
});

test('a wrong password and an unknown account get the same answer', async (t) => {
  const server = await startApi(t);
  await server.person('ada@example.org');
  const api = new Api(server.url);
  const wrong = await api.refused('login', { body: { email: 'ada@example.org', password: 'another long one' } });
  const unknown = await api.refused('login', { body: { email: 'bob@example.org', password: 'another long one' } });
  const said = ({ code, detail, title, status, errors }: typeof wrong) => ({ code, detail, title, status, errors });
  t.deepEqual(said(wrong), said(unknown));
  t.is(wrong.code, 'wrong_credentials');
});

test('guesses are rate limited, and the answer says for how long', async (t) => {
  const server = await startApi(t);
  await server.person('ada@example.org');
  const api = new Api(server.url);
  const body = { email: 'ada@example.org', password: 'another long one' };
  for (let n = 0; n < 5; n++) t.is((await api.refused('login', { body })).code, 'wrong_credentials');
  const problem = await api.refused('login', { body });
  t.is(problem.code, 'rate_limited');
  t.is(problem.headers.get('retry-after'), '1');
  server.clock.ahead_ms += 2000;
  t.truthy(await api.call('login', { body: { ...body, password: PASSWORD } }));
});

test('an unknown account is rate limited like a known one', async (t) => {
  const api = new Api((await startApi(t)).url);
  const body = { email: 'nobody@example.org', password: 'another long one' };
  for (let n = 0; n < 5; n++) t.is((await api.refused('login', { body })).code, 'wrong_credentials');
  t.is((await api.refused('login', { body })).code, 'rate_limited');
});

test("a client's address is the one that the trusted proxy saw", async (t) => {
  const server = await startApi(t, { ERRAND_TRUST_PROXY: 'true' });
  const api = new Api(server.url);
  const guess = async (n: number, seen: string) => {
    const headers = { 'x-forwarded-for': `203.0.113.${n}, ${seen}` };
    return (await api.refused('login', { body: { ...account(`nobody${n}`), password: 'wrong' }, headers })).code;
  };
  for (let n = 0; n < 20; n++) t.is(await guess(n, '198.51.100.1'), 'wrong_credentials');
  t.is(await guess(21, '198.51.100.1'), 'rate_limited', 'what the client itself put in the header changes nothing');
  t.is(await guess(22, '198.51.100.2'), 'wrong_credentials');
});

test('without a trusted proxy the header is ignored', async (t) => {
  const api = new Api((await startApi(t)).url);
  const guess = async (n: number) => {
    const headers = { 'x-forwarded-for': `203.0.113.${n}` };
    return (await api.refused('login', { body: { ...account(`nobody${n}`), password: 'wrong' }, headers })).code;
  };
  for (let n = 0; n < 20; n++) t.is(await guess(n), 'wrong_credentials');
  t.is(await guess(21), 'rate_limited');
});

test('a log-out ends the access token at once, and may be repeated', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const body = { refresh_token: session.refresh_token };
  await api.call('logout', { body });
  const problem = await api.refused('me', {});
  t.is(problem.code, 'unauthenticated');
  t.regex(problem.headers.get('www-authenticate') ?? '', /^Bearer/);
  await api.call('logout', { body });
});

test('a socket ticket works once, and is void when its log-in ends', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { ticket } = await api.call('wsTicket', {});
  t.is(server.auth.authenticator.redeemTicket(ticket)?.user_id, session.user.id);
  t.is(server.auth.authenticator.redeemTicket(ticket), undefined);
  const { ticket: other } = await api.call('wsTicket', {});
  await api.call('logout', { body: { refresh_token: session.refresh_token } });
  t.is(server.auth.authenticator.redeemTicket(other), undefined);
});
