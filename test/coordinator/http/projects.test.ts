import test from 'ava';
import { TaskSettings } from '../../../coordinator/tasks/task-settings.ts';
import { readTaskSecrets } from '../../../coordinator/tasks/secrets.ts';
import { startApi } from '../../support/start-api.ts';
import { NO_LINKS } from '../../support/no-links.ts';

const repo_url = 'https://forge.example/a/b';

test("a project's secrets go in and never come out", async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const credential = { git_token: 'ghp_secret', git_username: 'ada' };
  const variables = { secrets: { API_KEY: 'sesame', B: '' }, env: { NODE_ENV: 'production' } };
  const project = await api.call('createProject', { body: { name: 'P', repo_url, ...credential, ...variables } });
  t.like(project, { has_git_token: true, secret_names: ['API_KEY', 'B'], env: variables.env, egress: 'registries' });
  const task = { project_id: project.id, repo_url };
  t.deepEqual(readTaskSecrets(server.db, server.keys, task), { ...credential, env: variables.secrets });
  const answers = [
    await (await api.send('getProject', { params: { id: project.id } })).text(),
    await (await api.send('listProjects', {})).text(),
    JSON.stringify(server.db.prepare('SELECT * FROM projects').all()),
    server.lines.join(''),
  ];
  for (const text of answers) for (const secret of ['ghp_secret', 'sesame']) t.false(text.includes(secret));
});

test('a patch changes the fields that it names, and null clears them', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const body = {
    name: 'P',
    repo_url,
    base_branch: 'main',
    budget_usd: 3,
    git_token: 'ghp_secret',
    secrets: { A: '1' },
  };
  const { id } = await api.call('createProject', { body });
  const params = { id };
  const named = await api.call('patchProject', { params, body: { name: 'Q', budget_usd: null } });
  t.like(named, { name: 'Q', base_branch: 'main', budget_usd: null, has_git_token: true, secret_names: ['A'] });
  const bare = await api.call('patchProject', {
    params,
    body: { base_branch: null, git_token: null, secrets: { A: null } },
  });
  t.like(bare, { name: 'Q', base_branch: null, has_git_token: false, secret_names: [] });
  t.is(server.db.prepare('SELECT secrets FROM projects').pluck().get(), null);
  const { warnings: _warnings, coded_warnings: _coded, ...stored } = bare;
  t.deepEqual(await api.call('getProject', { params }), stored);
  t.is((await api.refused('patchProject', { params, body: { name: null } })).code, 'invalid');
  t.is((await api.refused('patchProject', { params, body: { created_at: 'x' } })).code, 'invalid');
});

test('a token never goes to a host that it was not given for', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const body = { name: 'P', repo_url, git_token: 'first', git_username: 'ada', secrets: { A: '1' } };
  const { id } = await api.call('createProject', { body });
  const move = async (url: string, more: object = {}) =>
    (await api.call('patchProject', { params: { id }, body: { repo_url: url, ...more } })).has_git_token;
  const secrets = (url: string) => readTaskSecrets(server.db, server.keys, { project_id: id, repo_url: url });
  t.true(await move('https://forge.example/c/d'), 'the same host');
  t.true(await move('https://evil.example/a/b', { git_token: 'second' }));
  t.deepEqual(secrets('https://evil.example/a/b'), { git_token: 'second', git_username: null, env: { A: '1' } });
  t.deepEqual(
    secrets(repo_url),
    { git_token: null, git_username: null, env: { A: '1' } },
    'a task that was made before the project moved',
  );
  t.false(await move(repo_url), 'another host');
  t.deepEqual(secrets(repo_url).env, { A: '1' });
  for (const url of ['http://forge.example/a/b', 'https://forge.example:8443/a/b']) {
    t.true(await move(repo_url, { git_token: 'third' }));
    t.false(await move(url), url);
    t.false(await move(repo_url));
  }
});

test('secrets that were sealed with lost keys are a conflict, and can be set anew', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const body = { name: 'P', repo_url, git_token: 'ghp_secret', secrets: { A: '1' } };
  const { id } = await api.call('createProject', { body });
  server.keys.seal.fill(7);
  const words = /git_token and secrets cannot be opened: they were sealed with another keys\.json/;
  t.throws(() => readTaskSecrets(server.db, server.keys, { project_id: id, repo_url }), {
    code: 'conflict',
    message: words,
  });
  for (const patch of [{ name: 'Q' }, { git_token: 'new' }, { secrets: { A: '2' } }]) {
    const refusal = await api.refused('patchProject', { params: { id }, body: patch });
    t.is(refusal.code, 'conflict');
    t.regex(refusal.detail ?? '', words);
  }
  t.like(await api.call('patchProject', { params: { id }, body: { git_token: 'new', secrets: { A: null, B: '2' } } }), {
    secret_names: ['B'],
  });
  t.like(readTaskSecrets(server.db, server.keys, { project_id: id, repo_url }), { git_token: 'new', env: { B: '2' } });
});

test('sealed secrets open only with their own project', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const one = await api.call('createProject', { body: { name: 'P', repo_url, git_token: 'mine' } });
  const other = await api.call('createProject', { body: { name: 'Q', repo_url } });
  server.db
    .prepare('UPDATE projects SET secrets = (SELECT secrets FROM projects WHERE id = ?) WHERE id = ?')
    .run(one.id, other.id);
  t.throws(() => readTaskSecrets(server.db, server.keys, { project_id: other.id, repo_url }));
});

test('a project with a running task cannot be deleted; later it is deleted with its tasks, and nothing else', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { id } = await api.call('createProject', { body: { name: 'P', repo_url } });
  const task = await api.call('createTask', { body: { prompt: 'x', project_id: id } });
  t.is((await api.refused('deleteProject', { params: { id } })).code, 'conflict');
  await api.call('cancelTask', { params: task });
  const other = await api.call('createTask', { body: { prompt: 'x', repo_url } });
  await api.call('deleteProject', { params: { id } });
  t.is((await api.refused('getProject', { params: { id } })).code, 'not_found');
  t.deepEqual((await api.call('listProjects', {})).items, []);
  for (const name of ['getTask', 'listEvents', 'getDiff', 'cancelTask', 'retryTask', 'deleteTask'] as const)
    t.is((await api.refused(name, { params: task })).code, 'not_found', name);
  t.deepEqual((await api.call('listTasks', {})).items, [other]);
});

test('projects page by key, newest first', async (t) => {
  const { api } = await (await startApi(t)).person();
  const made: string[] = [];
  for (let n = 0; n < 5; n++) made.push((await api.call('createProject', { body: { name: `P${n}`, repo_url } })).id);
  const first = await api.call('listProjects', { query: { limit: 3 } });
  const rest = await api.call('listProjects', { query: { limit: 3, cursor: first.next_cursor ?? '' } });
  t.is(rest.next_cursor, null);
  t.deepEqual(
    [...first.items, ...rest.items].map(({ id }) => id),
    made.sort().toReversed(),
  );
});

test("a project's name is unique among one user's, in upper and lower case and in every alphabet", async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const make = (name: string) => ({ body: { name, repo_url } });
  const { id } = await api.call('createProject', make('Ärger'));
  for (const name of ['Ärger', ' ÄRGER ', 'a\u0308rger']) {
    const problem = await api.refused('createProject', make(name));
    t.is(problem.code, 'conflict');
    t.deepEqual(problem.errors, [
      { field: '/name', message: 'is the name of another project of yours', reason: 'name_taken' },
    ]);
  }
  const other = await api.call('createProject', make('Other'));
  const rename = (project: { id: string }, name: string) => ({ params: { id: project.id }, body: { name } });
  t.is((await api.refused('patchProject', rename(other, 'ÄRGER'))).errors?.[0]?.field, '/name');
  t.is((await api.call('patchProject', rename({ id }, 'ÄRGER'))).name, 'ÄRGER', 'its own name in another case');
  t.truthy(await (await server.person()).api.call('createProject', make('Ärger')), 'of another user');
  await api.call('deleteProject', { params: { id } });
  t.truthy(await api.call('createProject', make('ärger')), 'free as soon as the project is deleted');
});

test('of two projects with one name that are made at once, one is made', async (t) => {
  const { api } = await (await startApi(t)).person();
  const send = () => api.send('createProject', { body: { name: 'P', repo_url } });
  const statuses = (await Promise.all([send(), send()])).map(({ status }) => status);
  t.deepEqual(
    statuses.toSorted((a, b) => a - b),
    [201, 409],
  );
});

test('duplicate names of an older version stay, and their projects can be changed', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { id } = await api.call('createProject', { body: { name: 'P', repo_url } });
  await api.call('createProject', { body: { name: 'Q', repo_url } });
  server.db.prepare(`UPDATE projects SET name = 'P'`).run();
  const body = { name: 'P', verify_command: 'npm test' };
  t.is((await api.call('patchProject', { params: { id }, body })).verify_command, 'npm test');
  t.is((await api.refused('patchProject', { params: { id }, body: { name: 'p' } })).code, 'conflict');
});

test('a link to a page of a repository is understood, and a branch that it names is the base branch', async (t) => {
  const { api } = await (await startApi(t)).person();
  const link = 'https://github.com/o/r/tree/dev?x=1';
  const made = await api.call('createProject', { body: { name: 'P', repo_url: link } });
  t.like(made, { repo_url: 'https://github.com/o/r', base_branch: 'dev' });
  const params = { id: made.id };
  const patch = (body: object) => api.call('patchProject', { params, body });
  t.like(await patch({ repo_url: 'git@github.com:o/s.git' }), {
    repo_url: 'https://github.com/o/s.git',
    base_branch: 'dev',
  });
  t.like(await patch({ repo_url: link, base_branch: null }), { repo_url: 'https://github.com/o/r', base_branch: null });
  t.like(await patch({ repo_url: link.replace('dev', 'next') }), { base_branch: 'next' });
  const task = { prompt: 'x', repo_url: link };
  t.like(await api.call('createTask', { body: task }), { repo_url: 'https://github.com/o/r', base_branch: 'dev' });
  t.like(await api.call('createTask', { body: { ...task, base_branch: 'main' } }), { base_branch: 'main' });
});

test('an address that is not understood is refused with the right form, and its credential is not repeated', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const url = 'https://ada:sesame@github.com/o/r';
  for (const refusal of [
    await api.refused('createProject', { body: { name: 'P', repo_url: url } }),
    await api.refused('createTask', { body: { prompt: 'x', repo_url: url } }),
  ]) {
    t.is(refusal.code, 'invalid');
    t.is(refusal.errors?.[0]?.field, '/repo_url');
    t.regex(refusal.detail ?? '', /contains a credential.* https:\/\/github\.com\/o\/r/);
    t.false(JSON.stringify(refusal).includes('sesame'));
  }
  t.false(server.lines.join('').includes('sesame'));
});

const SECRET_LOOKING: Record<string, string>[] = [
  { NPM_TOKEN: 'abc' },
  { STRIPE_API_KEY: 'abc' },
  { db_password: 'abc' },
  { X: 'ghp_0123456789abcdefghij' },
  { X: 'sk-ant-api03-abc' },
  { X: '-----BEGIN RSA PRIVATE KEY-----' },
  { DATABASE: 'postgres://ada:sesame@db.example.org/x' },
];
for (const env of SECRET_LOOKING)
  test(`a plain variable that looks like a secret is refused by its name: ${JSON.stringify(env)}`, async (t) => {
    const server = await startApi(t);
    const { api } = await server.person();
    const field = `/env/${Object.keys(env)[0]}`;
    const refused = await api.refused('createProject', { body: { name: 'P', repo_url, env } });
    t.like(refused, { code: 'invalid', errors: [{ field }] });
    const { id } = await api.call('createProject', { body: { name: 'P', repo_url, secrets: env } });
    t.like(await api.refused('patchProject', { params: { id }, body: { env } }), { errors: [{ field }] });
  });

test('plain variables that look like none are taken', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const env = {
    NODE_ENV: 'production',
    URL: 'https://db.example.org/x',
    TOKENIZER: 'fast',
    KEYBOARD: 'de',
    NPM_TOKEN: '',
  };
  t.deepEqual((await api.call('createProject', { body: { name: 'P', repo_url, env } })).env, env);
});

test("a project's models and tokens reach the errands' requests, from its current settings", async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const config = { git_token: undefined, git_host: 'github.com', git_token_users: [] };
  const settings = new TaskSettings({ db: server.db, keys: server.keys, config, linked: NO_LINKS });
  const { id } = await api.call('createProject', { body: { name: 'P', repo_url, model: 'claude-opus-5-5' } });
  const { id: task_id } = await api.call('createTask', { body: { prompt: 'Mend it', project_id: id } });
  t.deepEqual(settings.models(task_id), { models: ['claude-opus-5-5'], max_tokens: null });
  const body = { extra_models: ['claude-haiku-5-5'], max_tokens: 9_000, model: 'claude-sonnet-5-5' };
  t.like(await api.call('patchProject', { params: { id }, body }), body);
  t.deepEqual(settings.models(task_id), { models: ['claude-opus-5-5', 'claude-haiku-5-5'], max_tokens: 9_000 });
  const bare = await api.call('createTask', { body: { prompt: 'Mend it', repo_url } });
  t.deepEqual(settings.models(bare.id), { models: [bare.model], max_tokens: null });
  for (const wrong of [{ max_tokens: 1_023 }, { max_tokens: 128_001 }, { extra_models: [''] }, { extra_models: null }])
    t.is((await api.refused('patchProject', { params: { id }, body: wrong })).code, 'invalid');
});

for (const [path, name] of [
  ['ann/b%zz', 'b%zz'],
  ['ann/two%0A%20words', 'two words'],
  ['ann/%20', 'ann'],
  [`ann/${'x'.repeat(79)}%F0%9F%98%80y`, 'x'.repeat(79)],
] as const)
  test(`an errand on a repository at ${path.slice(0, 20)} makes a project with a readable name`, async (t) => {
    const server = await startApi(t);
    const { api } = await server.person();
    const body = { prompt: 'Mend it', repo_url: `https://git.example.org/${path}`, make_project: true };
    const { project_id } = await api.call('createTask', { body });
    t.is((await api.call('getProject', { params: { id: project_id ?? '' } })).name, name);
  });

test('the name of a project that an errand makes is free in any writing', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  await api.call('createProject', { body: { name: 'Caf\u00e9', repo_url: 'https://git.example.org/x', check: false } });
  const repo_url = 'https://git.example.org/ann/cafe%CC%81';
  const { project_id } = await api.call('createTask', { body: { prompt: 'Mend it', repo_url, make_project: true } });
  t.is((await api.call('getProject', { params: { id: project_id ?? '' } })).name, 'ann/cafe\u0301');
});
