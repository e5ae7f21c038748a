import test from 'ava';
import type { ForgeRepository, RepositoryCheck } from '../../../coordinator/domain/forge-repository.ts';
import type { ProjectWarning } from '../../../protocol/project-saved.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { startApi } from '../../support/start-api.ts';

const repo_url = 'https://forge.example/a/b';

const WARNING = { code: 'push_refused', params: { repo_url }, text: 'It may not push.' };

/** Asks nothing, and keeps what it was asked. */
class Recorder implements RepositoryCheck {
  readonly asked: (ForgeRepository | string)[] = [];
  failure: ErrandError | undefined;
  /** What happens while the forge is being asked. */
  meanwhile: () => Promise<unknown> = () => Promise.resolve();

  async check(_user_id: string, repository: ForgeRepository): Promise<ProjectWarning[]> {
    this.asked.push(repository);
    await this.meanwhile();
    if (this.failure) throw this.failure;
    return [WARNING];
  }

  async checkHost(_user_id: string, url: string): Promise<void> {
    this.asked.push(url);
    if (this.failure) throw this.failure;
  }
}
const down = new ErrandError('upstream_unreachable', 'It is down.', { errors: [{ field: '/repo_url', message: 'x' }] });
const token = (password: string, username = 'x-access-token') => ({ username, password });

test('the repository of a new project is checked, and the warnings are in the answer', async (t) => {
  const repositories = new Recorder();
  const { api } = await (await startApi(t, {}, undefined, repositories)).person();
  const made = await api.call('createProject', { body: { name: 'P', repo_url, git_token: 'sesame' } });
  t.deepEqual(made.warnings, [WARNING.text], 'for a client that knows no codes');
  t.deepEqual(made.coded_warnings, [WARNING]);
  t.deepEqual(repositories.asked, [{ repo_url, credential: token('sesame') }]);
  repositories.failure = down;
  const problem = await api.refused('createProject', { body: { name: 'Q', repo_url } });
  t.is(problem.code, 'upstream_unreachable');
  t.is(problem.errors?.[0]?.field, '/repo_url');
  t.is((await api.call('listProjects', {})).items.length, 1);
});

test('with check false, a project is created without a check', async (t) => {
  const repositories = new Recorder();
  repositories.failure = down;
  const { api } = await (await startApi(t, {}, undefined, repositories)).person();
  const { id, warnings } = await api.call('createProject', { body: { name: 'P', repo_url, check: false } });
  t.deepEqual(warnings, []);
  const body = { repo_url: `${repo_url}2`, git_token: 'x', check: false };
  await api.call('patchProject', { params: { id }, body });
  t.deepEqual(repositories.asked, []);
});

test('a patch checks a new address or token, but not the removal of a token', async (t) => {
  const repositories = new Recorder();
  const { api } = await (await startApi(t, {}, undefined, repositories)).person();
  const { id } = await api.call('createProject', { body: { name: 'P', repo_url, git_token: 'one' } });
  const asked = async (body: object) => {
    repositories.asked.length = 0;
    await api.call('patchProject', { params: { id }, body });
    return repositories.asked;
  };
  t.deepEqual(await asked({ name: 'Q', verify_command: 'npm test', repo_url }), []);
  t.deepEqual(await asked({ git_token: 'two' }), [{ repo_url, credential: token('two') }]);
  t.deepEqual(await asked({ git_username: 'ada' }), [{ repo_url, credential: token('two', 'ada') }]);
  const sibling = 'https://forge.example/c/d';
  t.deepEqual(await asked({ repo_url: sibling }), [{ repo_url: sibling, credential: token('two', 'ada') }]);
  const elsewhere = 'https://other.example/a/b';
  t.deepEqual(await asked({ repo_url: elsewhere }), [{ repo_url: elsewhere, credential: undefined }]);
  t.deepEqual(await asked({ git_token: null }), []);
  repositories.failure = down;
  t.is((await api.refused('patchProject', { params: { id }, body: { git_token: 'x' } })).code, 'upstream_unreachable');
  t.false((await api.call('getProject', { params: { id } })).has_git_token);
});

test("a project without a token is checked with the server's token, on its host only", async (t) => {
  const repositories = new Recorder();
  const env = { ERRAND_GIT_TOKEN: 'of the server', ERRAND_GIT_HOST: 'forge.example' };
  const { api } = await (await startApi(t, env, undefined, repositories)).person();
  await api.call('createProject', { body: { name: 'P', repo_url } });
  await api.call('createProject', { body: { name: 'Q', repo_url: 'https://other.example/a/b' } });
  t.deepEqual(
    repositories.asked.map((one) => (typeof one === 'string' ? one : one.credential)),
    [token('of the server'), undefined],
  );
});

test('a repeat with the same Idempotency-Key does not check again', async (t) => {
  const repositories = new Recorder();
  const { api } = await (await startApi(t, {}, undefined, repositories)).person();
  const headers = { 'idempotency-key': 'k1' };
  const request = { body: { name: 'P', repo_url }, headers };
  const made = await api.call('createProject', request);
  repositories.failure = down;
  t.deepEqual(await api.call('createProject', request), made);
  const other = { body: { name: 'Q', repo_url }, headers };
  t.is((await api.refused('createProject', other)).code, 'idempotency_conflict');
  t.is(repositories.asked.length, 1);
});

test('no project is created if the log-in ends during the check', async (t) => {
  const repositories = new Recorder();
  const server = await startApi(t, {}, undefined, repositories);
  const { api, session } = await server.person();
  repositories.meanwhile = async () => server.auth.logins.logout(session.refresh_token);
  t.is((await api.refused('createProject', { body: { name: 'P', repo_url } })).code, 'unauthenticated');
  t.is(server.db.prepare('SELECT count(*) FROM projects').pluck().get(), 0);
});

test("no forge is asked about someone else's project", async (t) => {
  const repositories = new Recorder();
  const server = await startApi(t, {}, undefined, repositories);
  const { id } = await (await server.person()).api.call('createProject', { body: { name: 'P', repo_url } });
  const { api } = await server.person();
  t.is((await api.refused('patchProject', { params: { id }, body: { git_token: 'x' } })).code, 'not_found');
  t.is(repositories.asked.length, 1);
});

test('a task for a host that does not exist is refused at once', async (t) => {
  const repositories = new Recorder();
  const { api } = await (await startApi(t, {}, undefined, repositories)).person();
  await api.call('createTask', { body: { prompt: 'x', repo_url } });
  t.deepEqual(repositories.asked, [repo_url]);
  const message = 'There is no host with the name forge.example.';
  repositories.failure = new ErrandError('invalid', message, { errors: [{ field: '/repo_url', message }] });
  const problem = await api.refused('createTask', { body: { prompt: 'x', repo_url } });
  t.is(problem.errors?.[0]?.field, '/repo_url');
  t.is((await api.call('listTasks', {})).items.length, 1);
});
