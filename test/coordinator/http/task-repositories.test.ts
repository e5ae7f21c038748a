import test, { type ExecutionContext } from 'ava';
import { ErrandError, type ErrorCode } from '../../../protocol/problem.ts';
import type { RepositoryChoice } from '../../../protocol/repositories.ts';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import { putDiff } from '../../../coordinator/sqlite/diffs.ts';
import { putRepositoryResult } from '../../../coordinator/sqlite/task-repositories.ts';
import { endTask, runTask } from '../../support/fixtures.ts';
import { startApi } from '../../support/start-api.ts';

const HOST = 'https://forge.example';
const repo_url = `${HOST}/team/shop`;

async function scene(t: ExecutionContext) {
  const server = await startApi(t);
  const { api } = await server.person();
  const project = (name: string, more: object = {}) =>
    api.call('createProject', { body: { name, repo_url: `${HOST}/team/${name}`, ...more } });
  const send = (repositories: RepositoryChoice[], more: object = {}) =>
    api.call('createTask', { body: { prompt: 'Both', repo_url, repositories, ...more } });
  const refused = (repositories: unknown, more: object = {}) =>
    api.refused('createTask', { body: { prompt: 'Both', repo_url, repositories, ...more } });
  return { server, api, project, send, refused };
}

test('an errand shows all its repositories, the first one first, each with a key of its own', async (t) => {
  const { api, project, send } = await scene(t);
  const web = await project('web', { base_branch: 'develop' });
  const task = await send([
    { project_id: web.id, work_branch: 'topic' },
    { repo_url: 'git@forge.example:other/Shop.git' },
    { repo_url: `${HOST}/team/tmp`, base_branch: 'next' },
  ]);
  const fields = { branch: null, commit: null, base_commit: null, diff_stat: null };
  t.deepEqual(task.repositories, [
    { key: 'shop', repo_url, project_id: null, base_branch: null, work_branch: null, ...fields },
    { key: 'web', repo_url: web.repo_url, project_id: web.id, base_branch: 'develop', work_branch: 'topic', ...fields },
    {
      key: 'shop-2',
      repo_url: `${HOST}/other/Shop.git`,
      project_id: null,
      base_branch: null,
      work_branch: null,
      ...fields,
    },
    { key: 'tmp-2', repo_url: `${HOST}/team/tmp`, project_id: null, base_branch: 'next', work_branch: null, ...fields },
  ]);
  t.deepEqual((await api.call('getTask', { params: task })).repositories, task.repositories);
  t.deepEqual((await api.call('listTasks', {})).items[0]?.repositories, task.repositories);
  const [created] = (await api.call('listEvents', { params: task, query: {} })).items;
  const noted = task.repositories?.map(({ key, repo_url: at, base_branch }) => ({ key, repo_url: at, base_branch }));
  t.deepEqual(created?.body['repositories'], noted);
});

test('an errand with one repository has no list of them', async (t) => {
  const { send, api } = await scene(t);
  t.is((await send([])).repositories, undefined);
  t.is((await api.call('createTask', { body: { prompt: 'x', repo_url } })).repositories, undefined);
});

test("a repository that is a project of the person's uses that project's credential, by its address too", async (t) => {
  const { project, send, server } = await scene(t);
  const { id } = await project('web', { git_token: 'secret' });
  const own = await send([{ repo_url: `${HOST}/TEAM/web.git` }]);
  t.is(own.repositories?.[1]?.project_id, id);
  const { api: eve } = await server.person('eve@example.org');
  const body = { prompt: 'x', repo_url, repositories: [{ repo_url: `${HOST}/team/web` }] };
  t.is((await eve.call('createTask', { body })).repositories?.[1]?.project_id, null);
});

test('the same repository twice is refused in every spelling, and named', async (t) => {
  const { project, refused } = await scene(t);
  const { id } = await project('shop');
  const spellings = [
    repo_url,
    `${repo_url}.git`,
    `${repo_url}/`,
    'https://FORGE.example/team/shop',
    'https://forge.example:443/Team/Shop',
    'http://forge.example/team/shop',
    'git@forge.example:team/shop.git',
    'forge.example/team/shop',
    'https://forge.example/team/s%68op',
  ];
  for (const spelling of spellings) {
    const with_first = await refused([{ repo_url: spelling }]);
    t.is(with_first.code, 'invalid', spelling);
    t.is(with_first.errors?.[0]?.field, '/repositories/0/repo_url', spelling);
    const first = { repo_url: `${HOST}/team/other` };
    const twice = await refused([{ repo_url }, { repo_url: spelling }], first);
    t.is(twice.errors?.[0]?.field, '/repositories/1/repo_url', spelling);
  }
  t.is((await refused([{ project_id: id }])).errors?.[0]?.field, '/repositories/0/project_id');
});

test('a choice that cannot be worked on is refused, and names its field', async (t) => {
  const { server, project, refused } = await scene(t);
  const { api: eve } = await server.person('eve@example.org');
  const hers = await eve.call('createProject', { body: { name: 'hers', repo_url: `${HOST}/eve/x` } });
  const { id } = await project('web');
  const ok = { project_id: id };
  const cases: [unknown[], string, ErrorCode][] = [
    [[ok, { project_id: newId() }], '/repositories/1/project_id', 'not_found'],
    [[ok, { project_id: hers.id }], '/repositories/1/project_id', 'not_found'],
    [[ok, { repo_url: SAMPLE_REPO_URL }], '/repositories/1/repo_url', 'invalid'],
    [[ok, { repo_url: 'file:///etc' }], '/repositories/1/repo_url', 'invalid'],
    [[ok, { repo_url: 'https://u:secret-word@forge.example/a/b' }], '/repositories/1/repo_url', 'invalid'],
    [[ok, {}], '/repositories/1/repo_url', 'invalid'],
    [[ok, { repo_url, project_id: id }], '/repositories/1/repo_url', 'invalid'],
    [[ok, { repo_url: `${HOST}/a/b`, base_branch: '-x' }], '/repositories/1/base_branch', 'invalid'],
    [[ok, { repo_url: `${HOST}/a/b`, key: 'mine' }], '/repositories/1/key', 'invalid'],
    [['x'], '/repositories/0', 'invalid'],
  ];
  for (const [repositories, field, code] of cases) {
    const problem = await refused(repositories);
    t.is(problem.code, code, JSON.stringify(repositories));
    t.true(
      problem.errors?.some((error) => error.field === field),
      `${field}: ${JSON.stringify(problem)}`,
    );
    t.false(JSON.stringify(problem).includes('secret-word'));
  }
  t.is((await refused([{ repo_url: `${HOST}/a/b` }], { repo_url: SAMPLE_REPO_URL })).code, 'invalid');
});

test('the number of repositories of an errand is limited', async (t) => {
  const { send, refused } = await scene(t);
  const many = Array.from({ length: LIMITS.repositories_max }, (_, i) => ({ repo_url: `${HOST}/team/r${i}` }));
  t.is((await send(many.slice(1))).repositories?.length, LIMITS.repositories_max);
  t.is((await refused(many)).errors?.[0]?.field, '/repositories');
});

test('a host that errands may not reach is refused for each repository', async (t) => {
  const checked: string[] = [];
  const server = await startApi(t, {}, undefined, {
    check: () => Promise.resolve([]),
    checkHost: (_user_id, url) => {
      checked.push(url);
      if (!url.includes('private')) return Promise.resolve();
      const errors = [{ field: '/repo_url', message: 'is private' }];
      return Promise.reject(new ErrandError('invalid', 'That host is private.', { errors }));
    },
  });
  const { api } = await server.person();
  const repositories = [{ repo_url: `${HOST}/a/b` }, { repo_url: 'https://private.example/a/b' }];
  const problem = await api.refused('createTask', { body: { prompt: 'x', repo_url, repositories } });
  t.is(problem.errors?.[0]?.field, '/repositories/1/repo_url');
  t.true(checked.includes(`${HOST}/a/b`));
});

test('one errand at a time works on a branch, also where it is a further repository', async (t) => {
  const { server, send, refused, api } = await scene(t);
  const other = { repo_url: `${HOST}/team/web`, work_branch: 'topic' };
  const { id } = await send([other]);
  t.is((await refused([other])).errors?.[0]?.field, '/repositories/0/work_branch');
  const first = await api.refused('createTask', { body: { prompt: 'x', ...other } });
  t.like(first, { code: 'conflict', errors: [{ field: '/work_branch' }] });
  runTask(server.log, id);
  endTask(server.log, id);
  await t.notThrowsAsync(send([other]));
});

test('each repository has a diff of its own', async (t) => {
  const { server, api, send } = await scene(t);
  const task = await send([{ repo_url: `${HOST}/team/web` }]);
  const result = { branch: 'errand/x', commit: 'a'.repeat(40), base_commit: 'b'.repeat(40) };
  const diff_stat = { files: 1, insertions: 2, deletions: 3 };
  server.log.write(({ db }) => {
    putDiff(db, task.id, { diff: 'of the shop', truncated: false });
    const diff = { diff: 'of the web', truncated: true };
    putRepositoryResult(db, task.id, 'web', { ...result, diff_stat }, diff, task.created_at);
  });
  const read = (query: { repository?: string }) => api.call('getDiff', { params: task, query });
  t.is((await read({})).diff, 'of the shop');
  t.is((await read({ repository: 'shop' })).diff, 'of the shop');
  t.deepEqual(await read({ repository: 'web' }), { diff: 'of the web', truncated: true, ...result });
  const unknown = await api.refused('getDiff', { params: task, query: { repository: 'other' } });
  t.like(unknown, { code: 'not_found', errors: [{ field: '/repository' }] });
  t.like((await api.call('getTask', { params: task })).repositories?.[1], { ...result, diff_stat });
});

test('a diff has three lines around each change, and as many as are kept where they are asked for', async (t) => {
  const { server, api, send } = await scene(t);
  const task = await send([]);
  const lines = Array.from({ length: 20 }, (_, i) => ` line ${i + 1}\n`);
  const file = 'diff --git a/x b/x\n--- a/x\n+++ b/x\n';
  const kept = `${file}@@ -1,20 +1,21 @@\n${lines.toSpliced(10, 0, '+new\n').join('')}`;
  server.log.write(({ db }) => putDiff(db, task.id, { diff: kept, truncated: false }));
  const read = async (query: { context?: '3' | 'all' }) => (await api.call('getDiff', { params: task, query })).diff;
  t.is(await read({ context: 'all' }), kept);
  const narrow = `${file}@@ -8,6 +8,7 @@ line 7\n${lines.slice(7, 13).toSpliced(3, 0, '+new\n').join('')}`;
  t.is(await read({}), narrow);
  t.is(await read({ context: '3' }), narrow);
});

test('a project is not deleted while an errand works in its repository; afterwards the errand stays', async (t) => {
  const { server, api, project, send } = await scene(t);
  const web = await project('web');
  const { id } = await send([{ project_id: web.id }]);
  t.is((await api.refused('deleteProject', { params: web })).code, 'conflict');
  runTask(server.log, id);
  endTask(server.log, id);
  await api.call('deleteProject', { params: web });
  t.is((await api.call('getTask', { params: { id } })).repositories?.[1]?.repo_url, web.repo_url);
});
