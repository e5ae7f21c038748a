import test from 'ava';
import { readConfig } from '../../../../coordinator/base/config.ts';
import { createLogger } from '../../../../coordinator/base/logger.ts';
import { ThreadPool } from '../../../../coordinator/base/threads.ts';
import { ForgeAccounts } from '../../../../coordinator/forge/accounts/forge-accounts.ts';
import { Api } from '../../../support/api.ts';
import { HOUR_MS, linkedScene, pass } from '../../../support/forge/linked-scene.ts';
import { link, type SignInScene } from '../../../support/forge/sign-in-scene.ts';

const CLIENT = { address: '127.0.0.1', user_agent: null };

const refreshes = ({ github }: SignInScene) => github.apps.tokens.filter(({ kind }) => kind === 'user').length - 1;

test('a token that expires soon is renewed once, however many ask for it', async (t) => {
  const scene = await linkedScene(t);
  const first = await scene.credential();
  pass(scene, 8 * HOUR_MS - 60_000);
  const many = await Promise.all(Array.from({ length: 20 }, scene.credential));
  t.is(new Set(many.map((one) => one?.password)).size, 1);
  t.not(many[0]?.password, first?.password);
  t.is(refreshes(scene), 1);
  // The one after next is renewed with the refresh token of the second.
  pass(scene, 8 * HOUR_MS);
  t.truthy((await scene.credential())?.password);
  t.is(refreshes(scene), 2);
});

test('a token that was revoked breaks the link, says so in the list and to git, until it is linked again', async (t) => {
  const scene = await linkedScene(t);
  const { api, github, person } = scene;
  const credential = await scene.credential();
  github.apps.revokeAll(person);
  const said = await credential?.renew?.(credential.password);
  t.regex(said && 'fault' in said ? said.fault : '', /does not accept this link any more.*Link the account again/);
  t.regex((await api.call('listLinkedAccounts', {})).items[0]?.fault ?? '', /Link the account again/);
  await t.throwsAsync(scene.credential(), { message: /Link the account again/ });
  const { items } = await api.call('listAudit', { query: {} });
  t.is(items.filter(({ action }) => action === 'account.link_broken').length, 1);
  await link(scene, api, person);
  t.is((await api.call('listLinkedAccounts', {})).items[0]?.fault, null);
  t.truthy(await scene.credential());
});

test('a forge that does not answer breaks no link', async (t) => {
  const scene = await linkedScene(t);
  pass(scene, 8 * HOUR_MS);
  scene.github.intercept = (_request, response) => {
    response.writeHead(502).end('Bad Gateway');
    return Promise.resolve(true);
  };
  await t.throwsAsync(scene.credential(), { message: /answered with something/ });
  scene.github.intercept = undefined;
  t.truthy(await scene.credential());
});

test('a sign-in that comes in during a renewal wins', async (t) => {
  const scene = await linkedScene(t);
  pass(scene, 8 * HOUR_MS);
  const held = Promise.withResolvers<undefined>();
  scene.github.intercept = async ({ url }) => {
    if (url === '/login/oauth/access_token') await held.promise;
    return false;
  };
  const renewing = scene.credential();
  // The access token of this server has expired in the meantime.
  const { access_token } = await scene.anyone.call('refresh', { body: { refresh_token: scene.session.refresh_token } });
  const linking = link(scene, new Api(scene.server.url, access_token), scene.person);
  held.resolve(undefined);
  await linking;
  const token = (await renewing)?.password ?? '';
  const now = (await scene.credential())?.password ?? '';
  t.truthy(scene.github.apps.token(now));
  t.truthy(token);
});

test('a linked account is used at its own forge alone', async (t) => {
  const scene = await linkedScene(t, { ERRAND_SIGNUP: 'open' });
  const { access, session, github } = scene;
  for (const repo_url of [
    'https://github.com/ann/shop',
    `${github.origin}.evil.example/ann/shop`,
    github.origin.replace('127.0.0.1', 'localhost') + '/ann/shop',
    github.origin.replace('http:', 'https:') + '/ann/shop',
    'http://127.0.0.1:1/ann/shop',
  ])
    t.is(await access.gitCredential(session.user.id, repo_url, undefined), undefined, repo_url);
  const { session: other } = await scene.server.person('other@example.org');
  t.is(await access.gitCredential(other.user.id, scene.repo_url, undefined), undefined);
});

test("the server's own token goes on to serve where the linked account may not push", async (t) => {
  const scene = await linkedScene(t);
  const { access, session, github } = scene;
  const fallback = { username: 'x', password: 'the-servers' };
  t.not((await access.gitCredential(session.user.id, scene.repo_url, fallback))?.password, 'the-servers');
  await github.world.addRepository({ owner: github.world.addPerson('bob'), name: 'tools' });
  const other = await access.gitCredential(session.user.id, `${github.origin}/bob/tools`, fallback);
  t.is(other?.password, 'the-servers');
});

test("calls of the API have the token of git: the project's, else the linked account's, else the server's", async (t) => {
  const scene = await linkedScene(t, { ERRAND_GIT_TOKEN: 'the-servers' });
  const { access, api, repo_url, session } = scene;
  const { user } = session;
  const body = { name: 'shop', repo_url, git_token: 'the-projects', check: false };
  const project = await api.call('createProject', { body });
  const who = { user_id: user.id, project_id: project.id };
  t.is((await access.forPerson(who, repo_url))?.token, 'the-projects');
  const without = { ...who, project_id: null };
  const opened = await access.forPerson(without, repo_url);
  t.like(opened, { as: 'person', repository: { owner: 'ann', name: 'shop' } });
  t.is(opened?.token, (await access.gitCredential(user.id, repo_url, undefined))?.password);
  scene.github.apps.revokeAll(scene.person);
  pass(scene, 8 * HOUR_MS);
  t.is(await access.forPerson(without, repo_url), undefined);
  t.is((await access.forPerson(who, repo_url))?.token, 'the-projects');
  t.is(await access.forPerson(who, 'https://git.example/ann/shop'), undefined);
});

test("the app's token is that of its installation, asked for once and replaced before it expires", async (t) => {
  const scene = await linkedScene(t);
  const { access, repo_url, github } = scene;
  const made = () => github.apps.tokens.filter(({ kind }) => kind === 'installation').length;
  const many = await Promise.all(Array.from({ length: 10 }, () => access.forApp(repo_url)));
  t.is(new Set(many.map((one) => one?.token)).size, 1);
  t.is(many[0]?.as, 'app');
  t.is(made(), 1);
  pass(scene, HOUR_MS);
  t.truthy((await access.forApp(repo_url))?.token);
  t.is(made(), 2);
  await github.world.addRepository({ owner: github.world.addPerson('bob'), name: 'tools' });
  t.is(await access.forApp(`${github.origin}/bob/tools`), undefined);
});

test("the app's token is for the one repository, also where it was renamed", async (t) => {
  const { access, repo_url, github, person, repository } = await linkedScene(t);
  const other = await github.world.addRepository({ owner: person, name: 'diary', private: true });
  const permissions = async () => {
    const token = github.apps.token((await access.forApp(repo_url))?.token ?? '') ?? null;
    return [repository, other].map((one) => github.apps.permission(token, one));
  };
  t.deepEqual(await permissions(), ['write', 'none']);
  const scene = await linkedScene(t);
  await scene.github.world.rename(scene.repository, { name: 'store' });
  const renamed = await scene.access.forApp(scene.repo_url);
  const token = scene.github.apps.token(renamed?.token ?? '');
  t.deepEqual([...(token?.only ?? [])], [scene.repository]);
});

test('only 404 says that the app is not installed: any other answer is a failure that is told', async (t) => {
  const { access, repo_url, github } = await linkedScene(t);
  const answers: [number, Record<string, string>, string][] = [
    [502, {}, 'unreachable'],
    [403, {}, 'forbidden'],
    [403, { 'retry-after': '60' }, 'rate_limited'],
    [429, {}, 'rate_limited'],
    [401, {}, 'app_refused'],
  ];
  for (const path of ['/installation', '/access_tokens'])
    for (const [status, headers, fault] of answers) {
      github.intercept = ({ url }, response) => {
        if (url?.endsWith(path) !== true) return false;
        response.writeHead(status, headers).end('{"message": "No."}');
        return true;
      };
      await t.throwsAsync(access.forApp(repo_url), { name: 'ForgeApiError' }, `${status} ${path}`);
      const error: unknown = await access.forApp(repo_url).catch((reason: unknown) => reason);
      t.like(error, { fault }, `${status} ${path}`);
    }
  github.intercept = undefined;
  t.is((await access.forApp(repo_url))?.as, 'app');
});

test('a server that starts without its client id keeps the links, and renews them once it has it again', async (t) => {
  const scene = await linkedScene(t);
  const { server, session, repo_url, github } = scene;
  pass(scene, 8 * HOUR_MS);
  const env = { ERRAND_GITHUB_ORIGIN: github.origin, ERRAND_PRIVATE_HOSTS: github.host, ERRAND_DATA: server.data_dir };
  const { log, keys } = server;
  const now = () => Date.now() + server.clock.ahead_ms;
  const threads = new ThreadPool();
  const parts = { log, keys, config: readConfig(env), threads, logger: createLogger('silent'), now };
  const without = new ForgeAccounts(parts);
  t.teardown(async () => {
    await without.stop();
    await threads.close();
  });
  const credential = (fallback?: { username: string; password: string }) =>
    without.access.gitCredential(session.user.id, repo_url, fallback);
  await t.throwsAsync(credential(), { code: 'upstream_unreachable', message: /is not registered at/ });
  const fallback = { username: 'x', password: 'the-servers' };
  t.is(await credential(fallback), fallback);
  t.truthy((await scene.credential())?.password);
});

test('a sign-in that gives no access takes none away, where a forge is the identity provider too', async (t) => {
  const { server, credential, github, person, id } = await linkedScene(t);
  const before = (await credential())?.password;
  const same = { issuer: github.origin, subject: String(person.id), email: null, is_listed: false };
  const by_provider = { ...same, forge_id: null, login: 'Ann A.', grant: null };
  await server.auth.external_logins.logIn(by_provider, {}, CLIENT);
  t.is((await credential())?.password, before);
  const row = server.db.prepare('SELECT login, forge_id FROM linked_accounts WHERE id = ?').get(id);
  t.like(row, { login: 'ann' });
});

test("what the project's token may not do is done with the linked account, and what neither may says what to do", async (t) => {
  const scene = await linkedScene(t, { ERRAND_GITHUB_APP_SLUG: 'errand' });
  const { access, api, github, session, person } = scene;
  const bob = github.world.addPerson('bob');
  for (const [owner, name] of [
    [person, 'shop'],
    [bob, 'tools'],
  ] as const) {
    const found = github.world.repository(owner.login, name);
    const repository = found ?? (await github.world.addRepository({ owner, name }));
    repository.private = true;
    const repo_url = `${github.origin}/${owner.login}/${name}`;
    const git_token = github.apps.personalToken(github.world.addPerson(`robot-of-${name}`)).value;
    const body = { name, repo_url, git_token, check: false };
    const project = await api.call('createProject', { body });
    const open = await access.forPerson({ user_id: session.user.id, project_id: project.id }, repo_url);
    if (!open) return t.fail();
    t.is(open.token, git_token, 'as git has it');
    const asked = open.client.repository({ token: open.token }, open.repository);
    if (owner === person) t.is((await asked).name, 'shop');
    else await t.throwsAsync(asked, { message: /install it at http.*\/installations\/new/ });
  }
});

test('a token that the forge refuses is renewed in the middle of its calls; a link that was revoked is said to be so', async (t) => {
  const scene = await linkedScene(t);
  const { access, api, github, person, session } = scene;
  const open = await access.forPerson({ user_id: session.user.id, project_id: null }, scene.repo_url);
  if (!open) return t.fail();
  const call = () => open.client.repository({ token: open.token }, open.repository);
  const given = github.apps.token(open.token);
  if (!given) return t.fail();
  given.expires_at = 1;
  t.is((await call()).name, 'shop');
  t.is(refreshes(scene), 1);
  github.apps.revokeAll(person);
  await t.throwsAsync(call(), { message: /does not accept this link any more/ });
  t.regex((await api.call('listLinkedAccounts', {})).items[0]?.fault ?? '', /Link the account again/);
});

test("an app's token that a new installation has made void is replaced", async (t) => {
  const { access, github, repo_url, repository } = await linkedScene(t);
  const open = await access.forApp(repo_url);
  if (!open) return t.fail();
  const given = github.apps.token(open.token);
  if (!given) return t.fail();
  given.expires_at = 1;
  t.is((await open.client.repository({ token: open.token }, open.repository)).name, repository.name);
  t.not((await access.forApp(repo_url))?.token, open.token);
});
