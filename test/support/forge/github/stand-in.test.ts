import test from 'ava';
import { git, tryGit } from '../../git-server.ts';
import { until } from '../../until.ts';
import { temporaryFolder } from '../../folder.ts';
import { startGitHub } from './stand-in.ts';

test('every read of the API has the shape that GitHub describes', async (t) => {
  const github = await startGitHub(t);
  const { world, apps, api } = github;
  const acme = world.addPerson('acme', { type: 'Organization' });
  const [ada, bob] = [world.addPerson('ada'), world.addPerson('bob')];
  acme.members.add(ada);
  const app = apps.addApp(ada, { name: 'Errand' });
  const demo = await world.addRepository({ owner: ada, name: 'demo', permissions: { bob: 'write' } });
  const installation = apps.install(app, ada);
  const issue = github.openIssue(demo, ada, { title: 'It fails', body: 'Look.', labels: ['bug'] });
  github.comment(demo, issue, bob, 'I see it too.');
  const commit = await github.push(demo, 'fix', { 'a.txt': 'a' });
  const pull = await github.openPull(demo, ada, { title: 'Fix', body: '', head: 'fix', base: 'main', draft: true });
  await github.review(demo, pull, bob, {
    state: 'CHANGES_REQUESTED',
    body: 'Not yet',
    comments: [{ path: 'a.txt', line: 1, body: 'Why?' }],
  });
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'one\ntwo\n' });
  github.status(demo, commit, { context: 'ci', state: 'failure' });
  const read = async (path: string, token: string, status = 200) => {
    const response = await fetch(api + path, { headers: { authorization: `Bearer ${token}` }, redirect: 'manual' });
    t.is(response.status, status, `${path}: ${await response.text()}`);
  };
  const user = apps.userToken(ada, app).value;
  const paths = [
    '/user',
    '/user/emails',
    '/user/repos',
    '/user/orgs',
    '/user/installations',
    '/users/bob',
    '/rate_limit',
    `/user/installations/${installation.id}/repositories`,
    '/user/memberships/orgs/acme',
    '/search/repositories?q=de+user:ada',
    '/repos/ada/demo',
    '/repos/ada/demo/collaborators/bob/permission',
    '/repos/ada/demo/branches/main',
    '/repos/ada/demo/contents/README.md',
    '/repos/ada/demo/issues/1',
    '/repos/ada/demo/issues/2',
    '/repos/ada/demo/issues/1/comments',
    '/repos/ada/demo/pulls?head=ada:fix',
    '/repos/ada/demo/pulls/2',
    '/repos/ada/demo/pulls/2/reviews',
    '/repos/ada/demo/pulls/2/comments',
    `/repos/ada/demo/commits/${commit}/check-runs`,
    `/repos/ada/demo/commits/${commit}/status`,
  ];
  for (const path of paths) await read(path, user);
  await read('/orgs/acme/members/ada', user, 204);
  await read(`/repos/ada/demo/actions/jobs/${demo.checks[0]?.id}/logs`, user, 302);
  await read('/repos/ada/gone', user, 404);
  await read('/user', 'ghp_wrong', 401);
  await read('/installation/repositories', apps.installationToken(installation).value);
});

test('every webhook has the shape that GitHub describes', async (t) => {
  const github = await startGitHub(t);
  const { world, apps } = github;
  const [ada, bob] = [world.addPerson('ada'), world.addPerson('bob')];
  const app = apps.addApp(ada, { name: 'Errand' });
  const demo = await world.addRepository({ owner: ada, name: 'demo' });
  apps.install(app, ada);
  apps.install(app, bob);
  const issue = github.openIssue(demo, bob, { title: 'It fails' });
  github.comment(demo, issue, bob, '@errand fix this');
  github.label(demo, issue, ada, 'errand');
  const commit = await github.push(demo, 'fix', { 'a.txt': 'a' });
  const pull = await github.openPull(demo, ada, { title: 'Fix', body: '', head: 'fix', base: 'main', draft: true });
  github.comment(demo, pull, bob, '@errand go on');
  github.label(demo, pull, ada, 'errand');
  await github.editPull(demo, pull, { draft: false });
  await github.editPull(demo, pull, { title: 'Better' });
  const comments = [{ path: 'a.txt', line: 2, start_line: 1, body: 'Why?' }];
  const { comments: written } = await github.review(demo, pull, bob, { state: 'APPROVED', comments });
  for (const comment of written) await github.reply(demo, pull, comment, ada, 'Because.');
  github.check(demo, commit, { name: 'test', conclusion: 'failure', log: 'one\n' });
  github.status(demo, commit, { context: 'ci', state: 'success' });
  await github.editPull(demo, pull, { state: 'closed' });
  await github.editPull(demo, pull, { state: 'open' });
  await github.merge(demo, pull, bob);
  await github.rename(demo, 'other');
  github.makePrivate(demo);
  await github.transfer(demo, bob);
  await github.remove(demo);
  t.is(github.hooks.sent.length, 21);
});

test('git gets in with a token, up to what its bearer may do', async (t) => {
  const github = await startGitHub(t);
  const { world, apps } = github;
  const [ada, bob] = [world.addPerson('ada'), world.addPerson('bob')];
  const demo = await world.addRepository({ owner: ada, name: 'demo', private: true, permissions: { bob: 'read' } });
  const folder = await temporaryFolder(t);
  const address = (token: string) => `http://x-access-token:${token}@${github.host}/ada/demo.git`;
  const [own, reads] = [apps.personalToken(ada), apps.personalToken(bob)];
  await git(folder, 'clone', '--quiet', address(reads.value), '.');
  await git(folder, 'commit', '--quiet', '--allow-empty', '--message=More');
  const push = (to: string, branch: string) => tryGit(folder, 'push', to, `HEAD:${branch}`);
  t.regex((await push(address(reads.value), 'fix')).stderr, /403/);
  t.true((await push(address(own.value), 'fix')).ok);
  await github.protect(demo, 'main');
  t.regex((await push(address(own.value), 'main')).stderr, /Protected branch/);
  await github.rename(demo, 'renamed');
  t.true((await push(address(own.value), 'again')).ok);
  own.revoked = true;
  t.false((await push(address(own.value), 'late')).ok);
});

test('a push to the branch of a pull request is told; without its branch it is closed', async (t) => {
  const github = await startGitHub(t);
  const { world, apps } = github;
  const ada = world.addPerson('ada');
  const app = apps.addApp(ada, { name: 'Errand' });
  const demo = await world.addRepository({ owner: ada, name: 'demo' });
  apps.install(app, ada);
  await github.push(demo, 'fix', { 'README.md': 'one' });
  const pull = await github.openPull(demo, ada, { title: 'Fix', body: '', head: 'fix', base: 'main', draft: false });
  t.true(pull.pull.mergeable);
  const folder = await temporaryFolder(t);
  const address = `http://x:${apps.personalToken(ada).value}@${github.host}/ada/demo`;
  await git(folder, 'clone', '--quiet', '--branch=fix', address, '.');
  await git(folder, 'commit', '--quiet', '--allow-empty', '--message=More');
  await git(folder, 'push', '--quiet', 'origin', 'fix');
  await until('the push is told', () => github.hooks.sent.length === 2);
  t.like(JSON.parse(github.hooks.sent[1]?.body ?? ''), { action: 'synchronize' });
  await github.push(demo, 'main', { 'README.md': 'two' });
  t.false((await world.freshPull(demo, pull.pull)).mergeable);
  await github.deleteBranch(demo, 'fix');
  t.is(pull.state, 'closed');
});
