import test from 'ava';
import { listProjectNames } from '../../../../coordinator/sqlite/projects.ts';
import { link, signInScene } from '../../../support/forge/sign-in-scene.ts';

async function scene(t: Parameters<typeof signInScene>[0]) {
  const base = await signInScene(t);
  const { github, server, app } = base;
  const { api, session } = await server.person();
  const [ann, bob] = [github.world.addPerson('ann'), github.world.addPerson('bob')];
  for (const [owner, name] of [
    [ann, 'shop'],
    [ann, 'shop-admin'],
    [ann, 'blog'],
    [bob, 'shop'],
  ] as const)
    await github.world.addRepository({ owner, name, private: name === 'blog' });
  for (const owner of [ann, bob]) github.apps.install(app, owner);
  await link(base, api, ann);
  return { ...base, api, session, ann, bob };
}

test('the list has what the person may push to, found as one types', async (t) => {
  const { api, github } = await scene(t);
  const names = async (search: string) =>
    (await api.call('listRepositories', { query: { search } })).items.map(({ name }) => name).sort();
  t.deepEqual(await names(''), ['ann/blog', 'ann/shop', 'ann/shop-admin']);
  t.deepEqual(await names('sho'), ['ann/shop', 'ann/shop-admin']);
  t.deepEqual(await names('nothing'), []);
  const [blog] = (await api.call('listRepositories', { query: { search: 'blog' } })).items;
  t.like(blog, { repo_url: `${github.origin}/ann/blog`, private: true, default_branch: 'main', forge: github.host });
});

test('a public repository where the app is not installed cannot be picked: a push there would be refused', async (t) => {
  const { api, github, app } = await scene(t);
  const names = async () => (await api.call('listRepositories', { query: {} })).items.map(({ name }) => name).sort();
  const [cleo, dan] = [github.world.addPerson('cleo'), github.world.addPerson('dan')];
  const permissions = { ann: 'write' } as const;
  for (const owner of [cleo, dan]) await github.world.addRepository({ owner, name: 'open', permissions });
  const some = await github.world.addRepository({ owner: dan, name: 'some', permissions });
  github.apps.install(app, dan, [some]);
  t.deepEqual(await names(), ['ann/blog', 'ann/shop', 'ann/shop-admin', 'dan/some']);
});

test('what a list leaves out is said: the organisations that ask for single sign-on', async (t) => {
  const { api, github, app, ann } = await scene(t);
  const acme = github.world.addPerson('acme', { type: 'Organization' });
  acme.members.add(ann);
  await github.world.addRepository({ owner: acme, name: 'tools' });
  github.apps.install(app, acme);
  github.sso.add(acme);
  const { items, faults } = await api.call('listRepositories', { query: {} });
  t.is(items.length, 3);
  t.is(faults.length, 1);
  t.regex(faults[0] ?? '', /1 organisation .*single sign-on.*\/orgs\/.*\/sso.*link it again/);
});

test('without a linked account there is nothing to pick', async (t) => {
  const { server } = await signInScene(t);
  const { api } = await server.person();
  t.deepEqual(await api.call('listRepositories', { query: {} }), { items: [], faults: [] });
});

test('what cannot be listed is reported with the reason: a revoked link, and a forge that is away', async (t) => {
  const { api, github, ann } = await scene(t);
  const faults = async () => (await api.call('listRepositories', { query: {} })).faults.join('');
  github.intercept = (_request, response) => {
    response.writeHead(502).end('Bad Gateway');
    return Promise.resolve(true);
  };
  t.regex(await faults(), /does not answer now: its repositories are missing here/);
  github.intercept = undefined;
  github.apps.revokeAll(ann);
  t.regex(await faults(), /Link the account again/);
  t.regex((await api.call('listLinkedAccounts', {})).items[0]?.fault ?? '', /Link the account again/);
});

test('a list that a forge limits is reported as such', async (t) => {
  const { api, github } = await scene(t);
  github.limited = { kind: 'primary', until: Date.now() + 60_000 };
  const { faults } = await api.call('listRepositories', { query: {} });
  t.regex(faults.join(), /answers too many requests now/);
});

test('the first errand on a repository makes its project, later ones belong to it', async (t) => {
  const { api, github, server, session } = await scene(t);
  const send = async (repo_url: string) =>
    (await api.call('createTask', { body: { prompt: 'Mend it', repo_url, make_project: true } })).project_id;
  const first = await send(`${github.origin}/ann/shop`);
  t.is(await send(`${github.origin}/ann/shop.git`), first);
  t.is(await send(`${github.origin}/Ann/Shop`), first);
  // The short name is taken, and so is the longer one then.
  await send(`${github.origin}/bob/shop`);
  await send('https://elsewhere.example/bob/shop');
  const names = listProjectNames(server.db, session.user.id).map(({ name }) => name);
  t.deepEqual(names.sort(), ['bob/shop', 'bob/shop 2', 'shop']);
  const { items } = await api.call('listAudit', { query: {} });
  t.is(items.filter(({ action }) => action === 'project.created').length, 3);
});

test('an errand without the wish makes no project, and the wish needs an address', async (t) => {
  const { api, github } = await scene(t);
  const body = { prompt: 'Mend it', repo_url: `${github.origin}/ann/shop` };
  t.is((await api.call('createTask', { body })).project_id, null);
  const { id } = await api.call('createProject', { body: { name: 'p', repo_url: body.repo_url, check: false } });
  const both = { prompt: 'Mend it', project_id: id, make_project: true };
  t.is((await api.refused('createTask', { body: both })).errors?.[0]?.field, '/make_project');
});

test('a repeated errand makes its project once', async (t) => {
  const { api, github, server, session } = await scene(t);
  const body = { prompt: 'Mend it', repo_url: `${github.origin}/ann/shop`, make_project: true };
  const headers = { 'idempotency-key': 'one' };
  const made = await Promise.all([1, 2, 3].map(() => api.call('createTask', { body, headers })));
  t.is(new Set(made.map(({ id }) => id)).size, 1);
  t.is(listProjectNames(server.db, session.user.id).length, 1);
});
