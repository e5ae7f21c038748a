import test from 'ava';
import { Api } from '../../../support/api.ts';
import { Render } from '../../../support/forge/gitea/render.ts';
import { addSignIn } from '../../../support/forge/gitea/sign-in.ts';
import { startGitea } from '../../../support/forge/gitea/stand-in.ts';
import { agree, PUBLIC_URL } from '../../../support/forge/sign-in-scene.ts';
import { startApi } from '../../../support/start-api.ts';

test('Gitea: sign in, pick a repository, renew the token, and learn that it was revoked', async (t) => {
  const gitea = await startGitea(t);
  const app = addSignIn(gitea, `${PUBLIC_URL}/signed-in`);
  const server = await startApi(t, {
    ERRAND_PUBLIC_URL: PUBLIC_URL,
    ERRAND_GITEA_ORIGIN: gitea.origin,
    ERRAND_GITEA_CLIENT_ID: app.client_id,
    ERRAND_GITEA_CLIENT_SECRET: app.client_secret,
    ERRAND_GITEA_BOT_TOKEN: 'the-token-of-the-bot',
    ERRAND_PRIVATE_HOSTS: gitea.host,
    ERRAND_SIGNUP: 'closed',
    ERRAND_SIGNUP_LOGINS: `ann, ${gitea.host}/ben`,
  });
  await server.person('owner@example.org');
  const anyone = new Api(server.url);
  const [way] = (await anyone.call('listSignInWays', {})).items;
  t.like(way, { kind: 'gitea', device: false, name: gitea.host });
  const params = { id: way?.id ?? '' };
  t.is((await anyone.refused('startDeviceSignIn', { params, body: {} })).code, 'conflict');
  const signIn = async (login: string) => {
    const started = await anyone.call('startSignIn', { params, body: {} });
    const person = gitea.world.person(login) ?? gitea.world.addPerson(login);
    return { body: { flow: started.flow, answer: await agree(started, person) }, person };
  };
  // A name without a host is one at GitHub.
  t.is((await anyone.refused('finishSignIn', await signIn('ann'))).code, 'signup_closed');
  const { body, person: ben } = await signIn('ben');
  const session = await anyone.call('finishSignIn', { body });
  // Nobody has confirmed the address that Gitea shows.
  t.regex(session.user.email, /^\d+\+ben@users\.noreply\./);
  t.is((await anyone.refused('finishSignIn', { body })).code, 'link_invalid');

  const api = new Api(server.url, session.access_token);
  await gitea.world.addRepository({ owner: ben, name: 'shop' });
  const found = await api.call('listRepositories', { query: { search: 'sho' } });
  t.deepEqual(found.faults, []);
  t.deepEqual(
    found.items.map(({ name }) => name),
    ['ben/shop'],
  );
  const repo_url = `${gitea.origin}/ben/shop`;
  // Its settings may name another address than the one that the server reaches it at.
  gitea.render = new Render('https://gitea.internal');
  const [shop] = (await api.call('listRepositories', { query: { search: 'shop' } })).items;
  t.is(shop?.repo_url, repo_url);
  const { access } = server.forge_accounts;
  const credential = () => access.gitCredential(session.user.id, repo_url, undefined);
  const first = await credential();
  server.clock.ahead_ms += 3_600_000;
  const second = await credential();
  t.not(second?.password, first?.password);
  t.like(await access.forApp(repo_url), { as: 'app', token: 'the-token-of-the-bot' });
  gitea.apps.revokeAll(ben);
  const renewed = await second?.renew?.(second.password);
  t.true(renewed !== undefined && 'fault' in renewed);
});
