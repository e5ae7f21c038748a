import test from 'ava';
import type { ForgeAppStarted } from '../../../../protocol/forges.ts';
import { Api } from '../../../support/api.ts';
import { startApi } from '../../../support/start-api.ts';
import { startGitHub } from '../../../support/forge/github/stand-in.ts';
import { agree, PUBLIC_URL } from '../../../support/forge/sign-in-scene.ts';

async function scene(t: Parameters<typeof startApi>[0], env: Record<string, string> = {}) {
  const github = await startGitHub(t);
  const server = await startApi(t, {
    ERRAND_PUBLIC_URL: PUBLIC_URL,
    ERRAND_GITHUB_ORIGIN: github.origin,
    ERRAND_PRIVATE_HOSTS: new URL(github.origin).host,
    ...env,
  });
  const { api } = await server.person('owner@example.org');
  const [forge] = (await api.call('listForges', {})).items;
  const params = { id: forge?.id ?? '' };
  const person = github.world.addPerson('ann');
  return { github, server, api, params, person };
}

/** Posts the form as the owner's browser does, and gives the query that it comes back with. */
async function make({ action, manifest }: ForgeAppStarted, as: string): Promise<string> {
  const at = new URL(action);
  at.searchParams.set('as', as);
  const response = await fetch(at, { method: 'POST', body: new URLSearchParams({ manifest }), redirect: 'manual' });
  const location = response.headers.get('location');
  if (location === null) throw new Error(`${response.status}: ${await response.text()}`);
  if (!location.startsWith(`${PUBLIC_URL}/signed-in?`)) throw new Error(`It leads to ${location}.`);
  return new URL(location).search;
}

test('no app is made by a log-in that ended while the forge was asked', async (t) => {
  const { server, api, params } = await scene(t);
  const { authenticator, sessions } = server.auth;
  const who = await authenticator.authenticate(api.token ?? '');
  const started = await api.call('startForgeApp', { params, body: {} });
  const body = { flow: started.flow, answer: await make(started, 'ann') };
  sessions.endOne(who.user_id, who.session);
  const client = { address: '10.9.0.1', user_agent: null };
  const finish = server.forge_accounts.manifest.finish(body, who, client, () => authenticator.requireLiving(who));
  await t.throwsAsync(finish, { message: /log-in has ended/ });
  t.deepEqual((await new Api(server.url).call('listSignInWays', {})).items, []);
});

test('the owner makes a GitHub App; people sign in with it, and its secrets are stored sealed', async (t) => {
  const { github, server, api, params, person } = await scene(t);
  const anyone = new Api(server.url);
  t.deepEqual((await anyone.call('listSignInWays', {})).items, []);
  const started = await api.call('startForgeApp', { params, body: {} });
  const body = { flow: started.flow, answer: await make(started, 'ann') };
  const forge = await api.call('finishForgeApp', { body });
  const app = github.apps.apps.at(-1);
  t.like(forge, { registered: 'app', app_slug: app?.slug, webhook_url: `${PUBLIC_URL}/forges/${params.id}/webhook` });
  t.regex(forge.install_url ?? '', /\/installations\/new$/);
  const [way] = (await anyone.call('listSignInWays', {})).items;
  const begun = await api.call('startLink', { params: { id: way?.id ?? '' } });
  const linked = await api.call('finishLink', { body: { flow: begun.flow, answer: await agree(begun, person) } });
  t.is(linked.login, 'ann');
  const by_code = { params: { id: way?.id ?? '' } };
  const refused = await api.refused('startDeviceLink', by_code);
  t.is(refused.code, 'conflict');
  t.regex(refused.detail ?? '', /tick "Enable Device Flow"/, 'a manifest cannot switch it on');
  if (app) app.device_flow = true;
  t.regex((await api.call('startDeviceLink', by_code)).user_code, /^\w{4}-\w{4}$/);

  const { webhook_secret, private_key } = server.forge_accounts.forges.find(params.id) ?? {};
  t.deepEqual([webhook_secret, private_key], [app?.webhook_secret, app?.pem]);
  const stored = server.db.serialize().toString('latin1');
  for (const secret of [app?.client_secret, app?.webhook_secret, app?.pem.slice(40, 80)])
    t.false(stored.includes(secret ?? '-'));
  t.true((await api.call('listAudit', { query: {} })).items.some(({ action }) => action === 'forge.app_created'));
});

test('a manifest is finished once, by the owner who began it, with its own state', async (t) => {
  const { server, api, params } = await scene(t);
  const { api: member } = await server.person('member@example.org');
  t.is((await member.refused('startForgeApp', { params, body: {} })).code, 'forbidden');
  t.is((await member.refused('listForges', {})).code, 'forbidden');
  const started = await api.call('startForgeApp', { params, body: {} });
  const body = { flow: started.flow, answer: await make(started, 'ann') };
  t.is((await member.refused('finishForgeApp', { body })).code, 'forbidden');
  const other = await api.call('startForgeApp', { params, body: {} });
  t.is((await api.refused('finishForgeApp', { body: { ...body, flow: other.flow } })).code, 'link_invalid');
  await api.call('finishForgeApp', { body });
  t.is((await api.refused('finishForgeApp', { body })).code, 'link_invalid');
  // Another app takes its place only once this one is removed.
  t.is((await api.refused('startForgeApp', { params, body: {} })).code, 'conflict');
  await api.call('deleteForgeApp', { params });
  const [newest] = (await api.call('listAudit', { query: { limit: 1 } })).items;
  t.like(newest, { action: 'forge.app_removed', subject: params.id });
  t.is((await api.call('listForges', {})).items[0]?.registered, 'no');
  t.is((await api.refused('deleteForgeApp', { params })).code, 'not_found');
});

test('the manifest asks for webhooks only where GitHub can reach the server', async (t) => {
  const { api, params } = await scene(t);
  const public_one = JSON.parse((await api.call('startForgeApp', { params, body: {} })).manifest);
  t.is(public_one.hook_attributes.url, `${PUBLIC_URL}/forges/${params.id}/webhook`);
  t.true(public_one.name.length <= 34);
  const local = await scene(t, { ERRAND_PUBLIC_URL: '' });
  const private_one = JSON.parse((await local.api.call('startForgeApp', { params: local.params, body: {} })).manifest);
  t.deepEqual(private_one.callback_urls, [`${local.server.url}/signed-in`]);
  t.false('hook_attributes' in private_one || 'default_events' in private_one);
});

test('an organisation can own the app', async (t) => {
  const { api, params } = await scene(t);
  const { action } = await api.call('startForgeApp', { params, body: { organization: 'acme' } });
  t.is(new URL(action).pathname, '/organizations/acme/settings/apps/new');
  for (const organization of ['../x', 'a/b', '', '-a'])
    t.is((await api.refused('startForgeApp', { params, body: { organization } })).code, 'invalid');
});

test('the app is for who makes it alone, unless the owner wants it for others too', async (t) => {
  for (const is_public of [undefined, false, true]) {
    const { github, server, api, params } = await scene(t);
    const body = is_public === undefined ? {} : { public: is_public };
    const started = await api.call('startForgeApp', { params, body });
    await api.call('finishForgeApp', { body: { flow: started.flow, answer: await make(started, 'ann') } });
    const ben = github.world.addPerson('ben');
    const { api: member } = await server.person('ben@example.org');
    const begun = await member.call('startLink', { params });
    if (is_public !== true) {
      await t.throwsAsync(agree(begun, ben), { message: /404/ });
      continue;
    }
    const linked = await member.call('finishLink', { body: { flow: begun.flow, answer: await agree(begun, ben) } });
    t.is(linked.login, 'ben');
  }
});

test('an app that the settings name is not changed from the app', async (t) => {
  const { api, params } = await scene(t, { ERRAND_GITHUB_CLIENT_ID: 'Iv1', ERRAND_GITHUB_CLIENT_SECRET: 'secret' });
  t.is((await api.call('listForges', {})).items[0]?.registered, 'settings');
  t.is((await api.refused('startForgeApp', { params, body: {} })).code, 'conflict');
  t.is((await api.refused('deleteForgeApp', { params })).code, 'conflict');
});
