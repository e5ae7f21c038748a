import test from 'ava';
import { setupCode } from '../../../coordinator/auth/setup-code.ts';
import { readMeta } from '../../../coordinator/sqlite/meta.ts';
import { addSpending } from '../../../coordinator/sqlite/spending.ts';
import { monthOf } from '../../../coordinator/tasks/spending-caps.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { Api, readProblem } from '../../support/api.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';

const account = (name: string) => ({ email: `${name}@example.org`, password: PASSWORD });

test('the first account needs the code that the server printed, however sign-up is set', async (t) => {
  for (const ERRAND_SIGNUP of ['open', 'closed']) {
    const server = await startApi(t, { ERRAND_SIGNUP });
    const api = new Api(server.url);
    const wrong = [undefined, '', '0'.repeat(24), server.setup_code.slice(1), `${server.setup_code}0`];
    // More than a sign-up's rate allows: strangers must not keep the owner out.
    for (const setup_code of [...wrong, ...wrong]) {
      const problem = await api.refused('signup', { body: { ...account('eve'), setup_code } });
      t.is(problem.code, 'setup_code_wrong');
      t.is(problem.errors?.[0]?.field, '/setup_code');
    }
    t.is(server.db.prepare('SELECT count(*) FROM users').pluck().get(), 0);
    const body = { ...account('ada'), setup_code: server.setup_code };
    t.is((await api.call('signup', { body })).user.role, 'owner');
    t.false(server.lines.join('').includes(server.setup_code), 'no log line has it');
  }
});

test('the code works once: with it, nobody becomes the owner of a server that has one', async (t) => {
  const [open, closed] = [await startApi(t), await startApi(t, { ERRAND_SIGNUP: 'closed' })];
  for (const { person } of [open, closed]) await person();
  const body = ({ setup_code }: { setup_code: string }) => ({ ...account('eve'), setup_code });
  t.is((await new Api(open.url).call('signup', { body: body(open) })).user.role, 'member');
  t.is((await new Api(closed.url).refused('signup', { body: body(closed) })).code, 'signup_closed');
});

test('the code stays the same through restarts, and is another one with another database', async (t) => {
  const { keys, setup_code, db } = await startApi(t);
  t.is(setupCode(keys, readMeta(db, 'instance')), setup_code);
  t.not(setupCode(keys, 'another'), setup_code);
  t.not((await startApi(t)).setup_code, setup_code);
});

test('of many first sign-ups at once, one makes the owner and the others are refused', async (t) => {
  const server = await startApi(t, { ERRAND_SIGNUP: 'closed' });
  const api = new Api(server.url);
  const { setup_code } = server;
  const responses = await Promise.all(
    ['a', 'b', 'c', 'd'].map((name) => api.send('signup', { body: { ...account(name), setup_code } })),
  );
  const codes = await Promise.all(
    responses.map(async (response) => (response.ok ? 'made' : (await readProblem(response)).code)),
  );
  t.deepEqual(codes.sort(), ['made', 'signup_closed', 'signup_closed', 'signup_closed']);
  t.deepEqual(server.db.prepare('SELECT role FROM users').pluck().all(), ['owner']);
  t.is((await api.refused('signup', { body: account('e') })).code, 'signup_closed');
});

test('where sign-up is open, the first is the owner and the others are members', async (t) => {
  const { url, setup_code } = await startApi(t);
  const api = new Api(url);
  const sessions = await Promise.all(
    ['a', 'b', 'c'].map((name) => api.call('signup', { body: { ...account(name), setup_code } })),
  );
  t.deepEqual(sessions.map(({ user }) => user.role).sort(), ['member', 'member', 'owner']);
});

test('an e-mail address has one account, however it is written', async (t) => {
  const server = await startApi(t);
  const api = new Api(server.url);
  await api.call('signup', { body: { ...account('ada'), setup_code: server.setup_code } });
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

test('tickets are limited by person', async (t) => {
  const server = await startApi(t);
  const [{ api }, { api: other }] = [await server.person(), await server.person()];
  const statuses = await Promise.all(
    Array.from({ length: LIMITS.ws_tickets_per_minute_max * 2 }, async () => (await api.send('wsTicket', {})).status),
  );
  const given = statuses.filter((status) => status === 201).length;
  // Some time passes meanwhile.
  t.true(given >= LIMITS.ws_tickets_per_minute_max && given < LIMITS.ws_tickets_per_minute_max * 1.8, `${given}`);
  t.is(statuses.filter((status) => status === 429).length, statuses.length - given);
  await other.call('wsTicket', {});
  server.clock.ahead_ms += 1000;
  await api.call('wsTicket', {});
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

test('people see what their errands have cost this month, and the most that they may', async (t) => {
  const { log, person } = await startApi(t, { ERRAND_PERSON_MONTH_USD: '20' });
  const [ada, ben] = [await person(), await person()];
  log.write((tx) => addSpending(tx.db, ben.session.user.id, monthOf(Date.now()), 1.25));
  t.like(await ben.api.call('me', {}), { month_usd: 1.25, month_usd_max: 20 });
  t.like(await ada.api.call('me', {}), { month_usd: 0, month_usd_max: 20 });
  t.like(await (await (await startApi(t)).person()).api.call('me', {}), { month_usd: 0, month_usd_max: null });
});
