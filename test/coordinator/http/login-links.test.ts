import test from 'ava';
import { LIMITS } from '../../../protocol/limits.ts';
import { Api } from '../../support/api.ts';
import { PASSWORD, startApi } from '../../support/start-api.ts';

test('a log-in link logs another device in once, and shows as a device of its own', async (t) => {
  const server = await startApi(t, { ERRAND_PUBLIC_URL: 'https://errand.example.org/base/' });
  const { api, session } = await server.person();
  const link = await api.call('createLoginLink', {});
  t.is(link.link, `https://errand.example.org/base/#login=${link.code}`);
  t.is(link.fragment, `login=${link.code}`);
  const body = { code: link.code };
  const phone = await new Api(server.url).call('linkLogin', { body, headers: { 'user-agent': 'Phone/1.0' } });
  t.is(phone.user.id, session.user.id);
  const { items } = await api.call('listSessions', {});
  t.deepEqual(
    items.map(({ user_agent, current }) => [user_agent, current]),
    [
      ['Phone/1.0', false],
      [null, true],
    ],
  );
  t.is((await new Api(server.url).refused('linkLogin', { body })).code, 'link_invalid');
  t.is((await new Api(server.url, phone.access_token).call('me', {})).email, session.user.email);
});

test('a code that does not fit says what is likely, and what it is for if it is that of another kind of link', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const invite = (await api.call('createInvite', { body: {} })).code;
  const login = (await api.call('createLoginLink', {})).code;
  const mistyped = 'x'.repeat(32);
  const logInWith = (code: string) => new Api(server.url).refused('linkLogin', { body: { code } });
  const signUpWith = (invite: string) =>
    new Api(server.url).refused('signup', { body: { email: 'bob@example.org', password: PASSWORD, invite } });
  for (const { detail } of [await logInWith(mistyped), await signUpWith(mistyped)])
    t.regex(detail ?? '', /mistyped or cut off, was used before, or has expired\. Copy the whole link/);
  t.regex((await logInWith(invite)).detail ?? '', /code of an invitation.*sign up/);
  t.regex((await signUpWith(login)).detail ?? '', /code of a log-in link.*log in/);
  t.truthy(await new Api(server.url).call('linkLogin', { body: { code: login } }), 'neither is used up by that');
});

test('a server that does not know its public address leaves the link to the client', async (t) => {
  const { api } = await (await startApi(t)).person();
  t.is((await api.call('createLoginLink', {})).link, null);
});

test('only the hash of a code is stored, and the code is in no log', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { code } = await api.call('createLoginLink', {});
  const invite = await api.call('createInvite', { body: {} });
  const rows = JSON.stringify(server.db.prepare('SELECT * FROM link_codes').all());
  const audit = JSON.stringify(server.db.prepare('SELECT * FROM audit').all());
  for (const secret of [code, invite.code]) {
    t.false(rows.includes(secret));
    t.false(audit.includes(secret));
    t.false(server.lines.join('').includes(secret));
  }
});

const WAYS_TO_END: Record<string, (scene: Awaited<ReturnType<typeof withLink>>) => Promise<unknown>> = {
  'ten minutes pass': ({ server }) => Promise.resolve((server.clock.ahead_ms = LIMITS.login_link_s * 1000 + 1)),
  'the log-in that made it is logged out': ({ api, session }) =>
    api.call('logout', { body: { refresh_token: session.refresh_token } }),
  'the password is changed': ({ api }) =>
    api.call('changePassword', { body: { old_password: PASSWORD, new_password: 'another long password' } }),
  'the owner resets the password': ({ owner, session }) =>
    owner.call('resetPassword', { body: { email: session.user.email } }),
  'the owner blocks the person': ({ owner, session }) => owner.call('blockPerson', { params: { id: session.user.id } }),
  'the account is deleted': ({ api }) => api.call('deleteMe', { body: { password: PASSWORD } }),
  'five newer ones are made': async ({ api }) => {
    for (let n = 0; n < LIMITS.login_links_per_user_max; n++) await api.call('createLoginLink', {});
  },
};

async function withLink(t: Parameters<typeof startApi>[0]) {
  const server = await startApi(t);
  const { api: owner } = await server.person('owner@example.org');
  const { api, session } = await server.person('ada@example.org');
  const { code } = await api.call('createLoginLink', {});
  return { server, owner, api, session, code };
}

for (const [way, end] of Object.entries(WAYS_TO_END))
  test(`a log-in link is void once ${way}`, async (t) => {
    const scene = await withLink(t);
    await end(scene);
    const body = { code: scene.code };
    t.is((await new Api(scene.server.url).refused('linkLogin', { body })).code, 'link_invalid');
  });

test('an unknown code, an invitation and an expired code get the same answer, and guesses are limited', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const invite = await api.call('createInvite', { body: {} });
  const nobody = new Api(server.url);
  const codes = new Set<string>();
  for (const code of [invite.code, ...Array.from({ length: 25 }, (_, n) => `guess-${n}`)])
    codes.add((await nobody.refused('linkLogin', { body: { code } })).code);
  t.deepEqual([...codes], ['link_invalid', 'rate_limited']);
});

test('an API token makes no log-in links, and those that a person makes in a minute are limited', async (t) => {
  const { api } = await (await startApi(t)).person();
  const { token } = await api.call('createToken', { body: { name: 'ci', scopes: ['read'], expires_in_days: 1 } });
  t.is((await new Api(api.url, token).refused('createLoginLink', {})).code, 'forbidden');
  const most = LIMITS.login_links_per_minute_max;
  const asked = Array.from({ length: 2 * most }, async () => (await api.send('createLoginLink', {})).status);
  const refused = (await Promise.all(asked)).filter((status) => status === 429).length;
  // Some of the minute passes meanwhile.
  t.true(refused > 0 && refused <= most, `${refused}`);
});

test('the audit log tells who made a link, and which log-in came of it', async (t) => {
  const server = await startApi(t);
  const { api, session } = await server.person();
  const { id, code } = await api.call('createLoginLink', {});
  await new Api(server.url).call('linkLogin', { body: { code } });
  const { items } = await api.call('listAudit', { query: { limit: 2 } });
  t.like(items[1], { action: 'login_link.created', user_id: session.user.id, subject: id });
  t.like(items[0], { action: 'login.succeeded', user_id: session.user.id, detail: { link: id } });
});
