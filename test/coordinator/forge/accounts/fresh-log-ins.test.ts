import test from 'ava';
import { LIMITS } from '../../../../protocol/limits.ts';
import { Api } from '../../../support/api.ts';
import { PASSWORD } from '../../../support/start-api.ts';
import { signIn, signInScene } from '../../../support/forge/sign-in-scene.ts';

test('who has no password sets one, and deletes the account, only soon after signing in', async (t) => {
  const scene = await signInScene(t, { ERRAND_SIGNUP: 'open' });
  await scene.server.person('owner@example.org');
  const mia = scene.github.world.addPerson('mia');
  const { refresh_token } = await signIn(scene, mia);
  scene.server.clock.ahead_ms = (LIMITS.fresh_login_s + 1) * 1000;
  // A refresh makes a log-in no fresher.
  const refreshed = await scene.anyone.call('refresh', { body: { refresh_token } });
  const api = new Api(scene.server.url, refreshed.access_token);
  for (const [name, body] of [
    ['changePassword', { new_password: PASSWORD }],
    ['deleteMe', {}],
  ] as const)
    t.is((await api.refused(name, { body })).code, 'wrong_credentials');
  const fresh = new Api(scene.server.url, (await signIn(scene, mia)).access_token);
  await fresh.call('deleteMe', { body: {} });
  // The account at GitHub is free again.
  t.is((await signIn(scene, mia)).user.role, 'member');
});

test('a log-in by a link is no fresher than the log-in that made the link', async (t) => {
  const scene = await signInScene(t, { ERRAND_SIGNUP: 'open' });
  await scene.server.person('owner@example.org');
  const first = await signIn(scene, scene.github.world.addPerson('mia'));
  scene.server.clock.ahead_ms = (LIMITS.fresh_login_s + 1) * 1000;
  let session = await scene.anyone.call('refresh', { body: { refresh_token: first.refresh_token } });
  // A chain of links gains nothing, nor does a refresh in between.
  for (let n = 0; n < 2; n++) {
    const { code } = await new Api(scene.server.url, session.access_token).call('createLoginLink', {});
    session = await scene.anyone.call('linkLogin', { body: { code } });
    session = await scene.anyone.call('refresh', { body: { refresh_token: session.refresh_token } });
  }
  const api = new Api(scene.server.url, session.access_token);
  t.is((await api.refused('changePassword', { body: { new_password: PASSWORD } })).code, 'wrong_credentials');
  t.is((await api.refused('deleteMe', { body: {} })).code, 'wrong_credentials');
  // One from the server's own command line is as good as a log-in.
  const { code } = scene.server.auth.link_logins.createAtServer(first.user.email);
  const at_server = await scene.anyone.call('linkLogin', { body: { code } });
  await new Api(scene.server.url, at_server.access_token).call('changePassword', { body: { new_password: PASSWORD } });
});

test('an account that logs one in is linked soon after a log-in, or with the password', async (t) => {
  const scene = await signInScene(t, { ERRAND_SIGNUP: 'open' });
  const { api: fresh, session } = await scene.server.person('owner@example.org');
  const params = { id: scene.way };
  await fresh.call('startDeviceLink', { params });
  const signed_in = await signIn(scene, scene.github.world.addPerson('mia'));
  scene.server.clock.ahead_ms = (LIMITS.fresh_login_s + 1) * 1000;
  const later = async ({ refresh_token }: { refresh_token: string }) => {
    const { access_token } = await scene.anyone.call('refresh', { body: { refresh_token } });
    return new Api(scene.server.url, access_token);
  };
  const [api, without] = [await later(session), await later(signed_in)];
  for (const route of ['startLink', 'startDeviceLink'] as const) {
    // To leave the password out is no guess: it may be done any number of times.
    for (let n = 0; n < 6; n++)
      t.deepEqual((await api.refused(route, { params, body: {} })).errors, [
        { field: '/password', message: 'is needed' },
      ]);
    const wrong = await api.refused(route, { params, body: { password: 'not the one' } });
    t.deepEqual([wrong.code, wrong.errors?.[0]?.field], ['wrong_credentials', '/password']);
    await api.call(route, { params, body: { password: PASSWORD } });
    const refused = await without.refused(route, { params, body: { password: PASSWORD } });
    t.regex(refused.detail ?? '', /has no password.*sign in again/);
  }
});

test('nobody links with a log-in that ended while the other side was asked', async (t) => {
  const scene = await signInScene(t);
  const { api, session } = await scene.server.person();
  const { authenticator, external_logins } = scene.server.auth;
  const thief = await authenticator.authenticate(session.access_token);
  await api.call('logout', { body: { refresh_token: session.refresh_token } });
  const theirs = {
    forge_id: null,
    issuer: scene.github.origin,
    subject: '1',
    login: 'thief',
    email: null,
    grant: null,
  };
  t.throws(
    () => external_logins.link({ ...theirs, is_listed: false }, thief, { address: '10.9.0.1', user_agent: null }),
    { message: /log-in has ended/ },
  );
  t.is(scene.server.db.prepare('SELECT count(*) FROM linked_accounts').pluck().get(), 0);
});

test('who has a password needs it, however fresh the log-in is', async (t) => {
  const { api } = await (await signInScene(t)).server.person();
  t.is(
    (await api.refused('changePassword', { body: { new_password: 'another long password' } })).code,
    'wrong_credentials',
  );
});
