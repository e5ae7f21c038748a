import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { TaskSettings } from '../../../../coordinator/tasks/task-settings.ts';
import { requireRepository } from '../../../../coordinator/tasks/require-repository.ts';
import { GitProxy } from '../../../../coordinator/worker-api/git/git-proxy.ts';
import { pushApproval } from '../../../../coordinator/worker-api/git/push-approval.ts';
import { pushedCommits } from '../../../../coordinator/worker-api/git/pushed-commits.ts';
import { createLogger } from '../../../../coordinator/base/logger.ts';
import { branchPrefix } from '../../../../coordinator/domain/task.ts';
import { listTaskRepositories } from '../../../../coordinator/sqlite/task-repositories.ts';
import { temporaryFolder } from '../../../support/folder.ts';
import { git, startGitServer, tryGit, type GitServer } from '../../../support/git-server.ts';
import { commit } from '../../../support/git-proxy-scene.ts';
import { NO_LINKS } from '../../../support/no-links.ts';
import { startApi } from '../../../support/start-api.ts';
import { serveWorkerProxy } from '../../../support/worker-proxy-server.ts';
import { UNRESTRICTED } from '../../../support/unrestricted.ts';

const username = 'x-access-token';
const NO_TOKEN = { git_token: undefined, git_token_users: [], git_host: '' };

/** An errand in `shop` and `web`, private repositories on hosts and with tokens of their own, and its worker's git. */
async function scene(t: ExecutionContext, more: { web_branch?: string; ask_before_push?: boolean } = {}) {
  const forges = { shop: await forgeOf(t, 'token-of-shop'), web: await forgeOf(t, 'token-of-web') };
  const server = await startApi(t);
  const { api } = await server.person();
  const project = async (name: 'shop' | 'web') => {
    const repo_url = `${forges[name].origin}/team/${name}`;
    await forges[name].createRepository(`team/${name}`);
    return api.call('createProject', { body: { name, repo_url, git_token: `token-of-${name}` } });
  };
  const [shop, web] = [await project('shop'), await project('web')];
  const { web_branch: work_branch, ...options } = more;
  const send = () =>
    api.call('createTask', {
      body: {
        prompt: 'Both',
        project_id: shop.id,
        repositories: [{ project_id: web.id, ...(work_branch !== undefined && { work_branch }) }],
        ...options,
      },
    });
  const task = await send();
  const { db, log, keys } = server;
  const folder = await temporaryFolder(t);
  const settings = new TaskSettings({ db, keys, config: NO_TOKEN, linked: NO_LINKS });
  const proxy = new GitProxy({
    ...UNRESTRICTED,
    packs_dir: join(folder, 'packs'),
    repository: (where) => settings.repository(where),
    workBranch: (where) => requireRepository(db, where).work_branch,
    pushed: pushedCommits(log),
    approval: pushApproval(log),
    private_hosts: Object.values(forges).map(({ host }) => host),
    sample: () => Promise.reject(new Error('There is no sample here.')),
    logger: createLogger('silent'),
  });
  const { url } = await serveWorkerProxy(t, proxy, task.id);
  const clone = async (name: 'shop' | 'web') => {
    const dir = join(folder, name);
    await git(folder, 'clone', '-q', name === 'shop' ? url : `${url}/web`, dir);
    await commit(dir, 'work.txt', `of ${name}\n`);
    return dir;
  };
  const bare = (name: 'shop' | 'web') => join(forges[name].root, 'team', name);
  const refs = async (name: 'shop' | 'web') =>
    (await git(bare(name), 'for-each-ref', '--format=%(refname:short)')).split('\n');
  return { forges, server, task, url, folder, clone, bare, refs, branch: `${branchPrefix(task.id)}work`, db };
}

async function forgeOf(t: ExecutionContext, password: string): Promise<GitServer> {
  const forge = await startGitServer({ username, password });
  t.teardown(forge.close);
  return forge;
}

const push = (dir: string, to: string, ...refs: string[]) => tryGit(dir, 'push', '--porcelain', to, ...refs);

test('each repository is reached with its own token, which no other host ever gets', async (t) => {
  const { forges, clone, url, branch, refs } = await scene(t);
  for (const name of ['shop', 'web'] as const) {
    const dir = await clone(name);
    const pushed = await push(dir, name === 'shop' ? url : `${url}/web`, `HEAD:refs/heads/${branch}`);
    t.true(pushed.ok, pushed.stderr);
    t.deepEqual((await refs(name)).sort(), [branch, 'main'].sort());
  }
  const sent = (name: 'shop' | 'web') =>
    forges[name].requests.flatMap(({ headers: { authorization } }) =>
      authorization === undefined ? [] : [Buffer.from(authorization.replace('Basic ', ''), 'base64').toString()],
    );
  for (const name of ['shop', 'web'] as const)
    t.deepEqual([...new Set(sent(name))], [`${username}:token-of-${name}`], name);
});

test('a key of another task, an odd key and a path beside the repositories reach nothing', async (t) => {
  const { url, clone, forges, branch } = await scene(t);
  const dir = await clone('web');
  const before = forges.shop.requests.length + forges.web.requests.length;
  for (const key of ['other', 'shop', 'repo', 'web/web', '%2e%2e', 'web%2f..', 'WEB', '-x', 'a'.repeat(300), 'web//'])
    for (const args of [
      ['ls-remote', `${url}/${key}`],
      ['push', `${url}/${key}`, `HEAD:refs/heads/${branch}`],
    ])
      t.false((await tryGit(dir, ...args)).ok, args.join(' '));
  t.is(forges.shop.requests.length + forges.web.requests.length, before);
});

test('the branch that was named in one repository cannot be pushed to in the other', async (t) => {
  const { url, clone, branch, bare, refs } = await scene(t, { web_branch: 'topic' });
  await git(bare('shop'), 'branch', 'topic', 'main');
  await git(bare('web'), 'branch', 'topic', 'main');
  const [shop, web] = [await clone('shop'), await clone('web')];
  for (const [dir, to] of [
    [shop, url],
    [web, `${url}/web`],
  ] as const)
    t.true((await push(dir, to, `HEAD:refs/heads/${branch}`)).ok);
  const refused = await push(shop, url, 'HEAD:refs/heads/topic');
  t.false(refused.ok);
  t.regex(refused.stdout, /only refs\/heads\/errand\/\S+\* may be pushed/);
  t.true((await push(web, `${url}/web`, 'HEAD:refs/heads/topic')).ok);
  t.not(await git(bare('web'), 'rev-parse', 'topic'), await git(bare('web'), 'rev-parse', 'main'));
  t.is(await git(bare('shop'), 'rev-parse', 'topic'), await git(bare('shop'), 'rev-parse', 'main'));
  for (const name of ['main', 'release', 'errand/0000000000000000000-x'])
    t.false((await push(web, `${url}/web`, `HEAD:refs/heads/${name}`)).ok, name);
  t.false((await refs('web')).includes('release'));
});

test("a commit that was pushed to one repository is not the task's own in another, so nobody's commit is lost there", async (t) => {
  const { url, clone, branch, bare } = await scene(t);
  const web = await clone('web');
  t.true((await push(web, `${url}/web`, `HEAD:refs/heads/${branch}`)).ok);
  // Somebody commits to the branch, and the worker launders that commit through the other repository.
  const theirs = await git(bare('web'), 'commit-tree', `${branch}^{tree}`, '-p', branch, '-m', 'Theirs');
  await git(bare('web'), 'update-ref', `refs/heads/${branch}`, theirs);
  await git(web, 'fetch', '-q', 'origin', branch);
  t.true((await push(web, url, `${theirs}:refs/heads/${branch}-copy`)).ok);
  const forced = await push(web, `${url}/web`, `+HEAD:refs/heads/${branch}`);
  t.false(forced.ok);
  t.regex(forced.stdout, /would lose the commit/);
  t.is(await git(bare('web'), 'rev-parse', branch), theirs);
});

test('a push waits for approval in each repository, and an approval is for one of them', async (t) => {
  const { url, clone, branch, refs, db, task } = await scene(t, { ask_before_push: true });
  const [shop, web] = [await clone('shop'), await clone('web')];
  const of_web = await git(web, 'rev-parse', 'HEAD');
  for (const [dir, to] of [
    [shop, url],
    [web, `${url}/web`],
  ] as const)
    t.regex((await push(dir, to, `HEAD:refs/heads/${branch}`)).stdout, /not approved yet/);
  t.is(listTaskRepositories(db, task.id)[0]?.held_commit, of_web);
  db.prepare('UPDATE tasks SET approved_commit = ? WHERE id = ?').run(of_web, task.id);
  t.false((await push(web, `${url}/web`, `HEAD:refs/heads/${branch}`)).ok, 'it was approved for the other one');
  db.prepare('UPDATE task_repositories SET approved_commit = ? WHERE task_id = ?').run(of_web, task.id);
  t.true((await push(web, `${url}/web`, `HEAD:refs/heads/${branch}`)).ok);
  t.deepEqual(await refs('shop'), ['main']);
});

test("in each repository, somebody else's commit stays on the task's branch after a push on top of it", async (t) => {
  const { clone, url, branch, bare } = await scene(t);
  for (const name of ['shop', 'web'] as const) {
    const dir = await clone(name);
    const to = name === 'shop' ? url : `${url}/web`;
    t.true((await push(dir, to, `HEAD:refs/heads/${branch}`)).ok);
    const own = await git(dir, 'rev-parse', 'HEAD');
    const theirs = await git(bare(name), 'commit-tree', `${branch}^{tree}`, '-p', branch, '-m', 'Theirs');
    await git(bare(name), 'update-ref', `refs/heads/${branch}`, theirs);
    await git(dir, 'pull', '-q', to, branch);
    await commit(dir, 'more.txt', 'more\n');
    t.true((await push(dir, to, `HEAD:refs/heads/${branch}`)).ok);
    await git(dir, 'reset', '-q', '--hard', own);
    const refused = await push(dir, to, '--force', `HEAD:refs/heads/${branch}`);
    t.regex(refused.stdout, new RegExp(`would lose the commit ${theirs.slice(0, 12)} of somebody else`));
    t.is(await git(bare(name), 'rev-parse', `${branch}~1`), theirs);
  }
});
