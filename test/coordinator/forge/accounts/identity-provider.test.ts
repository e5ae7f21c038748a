import test from 'ava';
import { Api } from '../../../support/api.ts';
import { startIdentityProvider } from '../../../support/forge/identity-provider.ts';
import { PUBLIC_URL } from '../../../support/forge/sign-in-scene.ts';
import { startApi } from '../../../support/start-api.ts';

async function scene(t: Parameters<typeof startApi>[0], env: Record<string, string> = {}, path = '') {
  const provider = await startIdentityProvider(t, `${PUBLIC_URL}/signed-in`, path);
  const server = await startApi(t, {
    ERRAND_PUBLIC_URL: PUBLIC_URL,
    ERRAND_OIDC_ISSUER: provider.issuer,
    ERRAND_OIDC_CLIENT_ID: provider.client_id,
    ERRAND_OIDC_CLIENT_SECRET: provider.client_secret,
    ERRAND_OIDC_DOMAINS: 'corp.example',
    ERRAND_PRIVATE_HOSTS: provider.host,
    ERRAND_SIGNUP: 'closed',
    ...env,
  });
  const anyone = new Api(server.url);
  const start = () => anyone.call('startSignIn', { params: { id: 'oidc' }, body: {} });
  const come = async (subject: string) => {
    const started = await start();
    return { flow: started.flow, answer: await provider.agree(started.url, subject) };
  };
  return { provider, server, anyone, start, come };
}

test('people of the company make an account by their confirmed address, and come back to it', async (t) => {
  const { provider, server, anyone, come } = await scene(t);
  await server.person('owner@example.org');
  provider.people.set('u1', { email: 'Ann@Corp.example', email_verified: true, preferred_username: 'ann' });
  const session = await anyone.call('finishSignIn', { body: await come('u1') });
  t.deepEqual(
    [session.user.email, session.user.role, session.user.has_password],
    ['ann@corp.example', 'member', false],
  );
  // The address may change: the subject is who one is.
  provider.people.set('u1', { email: 'ann.new@corp.example', email_verified: true });
  t.is((await anyone.call('finishSignIn', { body: await come('u1') })).user.id, session.user.id);
  const api = new Api(server.url, session.access_token);
  t.like((await api.call('listLinkedAccounts', {})).items[0], { way: 'oidc', kind: 'oidc', fault: null });
});

test('nobody else makes one: another domain, one that only ends like it, an address that is not confirmed, or none', async (t) => {
  const { provider, server, anyone, come } = await scene(t);
  await server.person('owner@example.org');
  const others = [
    { email: 'eve@other.example', email_verified: true },
    { email: 'eve@evil-corp.example', email_verified: true },
    { email: 'eve@sub.corp.example', email_verified: true },
    { email: 'eve@corp.example', email_verified: false },
    { email: 'eve@corp.example' },
    { email: 'eve@corp.example@evil.example', email_verified: true },
    {},
  ];
  for (const [n, claims] of others.entries()) {
    provider.people.set(`eve${n}`, claims);
    // Sign-ups are limited by address and hour.
    server.clock.ahead_ms += 2 * 3_600_000;
    const { code } = await anyone.refused('finishSignIn', { body: await come(`eve${n}`) });
    t.is(code, 'signup_closed', JSON.stringify(claims));
  }
});

test('a wrong state, a replay, and a code of somebody else are refused', async (t) => {
  const { provider, server, anyone, come, start } = await scene(t);
  await server.person('owner@example.org');
  provider.people.set('u1', { email: 'ann@corp.example', email_verified: true });
  const refused = async (body: { flow: string; answer: string }) =>
    (await anyone.refused('finishSignIn', { body })).code;
  const one = await come('u1');
  t.is(await refused({ ...one, answer: one.answer.replace(/state=[^&]+/, 'state=x') }), 'link_invalid');
  const two = await come('u1');
  await anyone.call('finishSignIn', { body: two });
  t.is(await refused(two), 'link_invalid');
  const victim = await start();
  const attacker = new URLSearchParams((await come('u1')).answer);
  attacker.set('state', new URL(victim.url).searchParams.get('state') ?? '');
  t.is(await refused({ flow: victim.flow, answer: `?${attacker.toString()}` }), 'link_invalid');
});

test('an account is linked to the identity provider, and serves to log in', async (t) => {
  const { provider, server, anyone, come } = await scene(t);
  const { api, session } = await server.person('owner@example.org');
  provider.people.set('boss', { preferred_username: 'boss' });
  const started = await api.call('startLink', { params: { id: 'oidc' } });
  const answer = await provider.agree(started.url, 'boss');
  t.is((await api.call('finishLink', { body: { flow: started.flow, answer } })).login, 'boss');
  t.is((await anyone.call('finishSignIn', { body: await come('boss') })).user.id, session.user.id);
});

test('an issuer that is away, or is none, is reported; it is asked again by the next sign-in', async (t) => {
  const { provider, anyone } = await scene(t, {
    ERRAND_OIDC_ISSUER: 'http://127.0.0.1:9',
    ERRAND_PRIVATE_HOSTS: '127.0.0.1:9',
  });
  t.truthy(provider);
  for (let n = 0; n < 2; n++) {
    const problem = await anyone.refused('startSignIn', { params: { id: 'oidc' }, body: {} });
    t.is(problem.code, 'upstream_unreachable');
    t.regex(problem.detail ?? '', /127\.0\.0\.1:9/);
  }
});

test('an issuer keeps the slash at its end, as some providers have it', async (t) => {
  for (const path of ['/o/errand/', '/realms/errand']) {
    const { provider, server, anyone, come } = await scene(t, {}, path);
    await server.person('owner@example.org');
    provider.people.set('u1', { email: 'ann@corp.example', email_verified: true });
    const session = await anyone.call('finishSignIn', { body: await come('u1') });
    t.is(session.user.email, 'ann@corp.example', path);
  }
});
