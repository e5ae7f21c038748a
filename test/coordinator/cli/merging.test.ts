import test, { type ExecutionContext } from 'ava';
import { newPull } from '../../../coordinator/domain/pull.ts';
import { changePull } from '../../../coordinator/forge/pulls/pull-commands.ts';
import { insertPull } from '../../../coordinator/sqlite/pulls.ts';
import { gitHubOf, openedPull } from '../../support/forge/opened-pull.ts';
import { loggedIn } from '../../support/logged-in.ts';

async function scene(t: ExecutionContext, draft = false) {
  const { github, env } = await gitHubOf(t);
  const { server, api, cli } = await loggedIn(t, env);
  return { github, server, api, cli, ...(await openedPull({ server, api }, github, { draft })) };
}

test('ready and then merge do it on the forge, and say what it has become', async (t) => {
  const { cli, id, issue, repository, github } = await scene(t, true);
  const early = await cli.run(['merge', id.slice(-8), '--yes']);
  t.is(early.code, 2);
  t.regex(early.stderr, /It is a draft: mark it as ready for review first/);
  const marked = await cli.run(['ready', id.slice(-8)]);
  t.is(marked.code, 0, marked.stderr);
  t.regex(marked.stdout, /pull request #1 is open http/);
  t.false(issue.pull.draft);
  const merged = await cli.run(['merge', id, '--method', 'squash', '--yes']);
  t.is(merged.code, 0, merged.stderr);
  t.regex(merged.stdout, /pull request #1 was merged http/);
  t.true(issue.pull.merged);
  t.is(await github.world.countAhead(repository, 'main~1', 'main'), 1);
  t.like(JSON.parse((await cli.run(['merge', id, '--json'])).stdout), { number: 1, state: 'merged' });
});

test('a pull request is merged only after a question, or with --yes', async (t) => {
  const { cli, id, issue } = await scene(t);
  const { code, stderr } = await cli.run(['merge', id]);
  t.is(code, 2);
  t.regex(stderr, /^There is no terminal to ask for confirmation: give --yes\./);
  t.false(issue.pull.merged);
});

test('the question names the commit, the title and the base, and only yes merges', async (t) => {
  const { cli, id, issue, commit } = await scene(t);
  const no = await cli.atTerminal(100, ['merge', id], () => 'n');
  t.not(no.code, 0);
  const question = `Merge #1 'Mend it' at the commit ${commit.slice(0, 8)} into main? It cannot be undone. [y/N]`;
  t.true(no.stdout.replaceAll(/\s+/g, ' ').includes(question), no.stdout);
  t.regex(no.stdout, /Nothing was done\./);
  t.false(issue.pull.merged);
  const yes = await cli.atTerminal(100, ['merge', id], () => 'y');
  t.is(yes.code, 0, yes.stdout);
  t.true(issue.pull.merged);
});

test('the question links to the changes on the forge, and says where the errand shows those of another commit', async (t) => {
  const { github, cli, id, repository, head, commit, change, issue } = await scene(t);
  const asked = async () => (await cli.atTerminal(100, ['merge', id], () => 'n')).stdout.replaceAll(/\s+/g, ' ');
  const first = await asked();
  t.true(first.includes(`Its changes are at ${github.origin}/ada/demo/pull/1/files . Merge #1`), first);
  t.false(first.includes('shows another commit'));
  change({ head_commit: await github.push(repository, head, { 'evil.sh': 'x' }) });
  const second = await asked();
  t.true(second.includes(`'errand diff' shows another commit, ${commit.slice(0, 8)}. `), second);
  t.false(issue.pull.merged);
});

test('with --yes it is said beside the output where the errand shows the changes of another commit', async (t) => {
  const { github, cli, id, repository, head, commit, change } = await scene(t);
  change({ head_commit: await github.push(repository, head, { 'more.txt': 'x' }) });
  const { code, stdout, stderr } = await cli.run(['merge', id, '--yes', '--json']);
  t.is(code, 0, stderr);
  t.is(stderr, `'errand diff' shows another commit, ${commit.slice(0, 8)}.\n`);
  t.like(JSON.parse(stdout), { state: 'merged' });
});

test('one that was closed when the server last looked is merged only after the question, too', async (t) => {
  const { cli, id, issue, change } = await scene(t);
  change({ state: 'closed' });
  t.regex((await cli.run(['merge', id])).stderr, /^There is no terminal to ask for confirmation: give --yes\./);
  t.false(issue.pull.merged);
});

test('the only repository of an errand may be named', async (t) => {
  const { cli, id, issue } = await scene(t, true);
  t.regex((await cli.run(['ready', id, '--repository', 'other'])).stderr, /The errand has no repository other\./);
  t.true(issue.pull.draft);
  const ready = await cli.run(['ready', id, '--repository', 'demo']);
  t.is(ready.code, 0, ready.stderr);
  const merged = await cli.run(['merge', id, '--repository', 'demo', '--yes']);
  t.is(merged.code, 0, merged.stderr);
  t.true(issue.pull.merged);
});

test('the branch that the question names is the one that it is merged into', async (t) => {
  const { github, cli, id, issue, repository, change } = await scene(t);
  await github.push(repository, 'next', { 'n.txt': 'n' });
  const { stdout } = await cli.atTerminal(100, ['merge', id], () => {
    issue.pull.base = 'next';
    change({ base_branch: 'next' });
    return 'y';
  });
  t.regex(stdout, /goes into another branch now, which is next/);
  t.false(issue.pull.merged);
});

test('a method is refused that is none, or that the repository does not allow', async (t) => {
  const { cli, id, issue, repository } = await scene(t);
  const none = await cli.run(['merge', id, '--method', 'octopus']);
  t.regex(none.stderr, /--method must be one of merge, squash, rebase, .*: octopus/s);
  repository.merge_methods = ['rebase'];
  const refused = await cli.run(['merge', id, '--method', 'squash', '--yes']);
  t.is(refused.code, 2);
  t.regex(refused.stderr, /--method is not allowed by the repository: it takes rebase/);
  t.false(issue.pull.merged);
});

test('what the forge refuses is said in words', async (t) => {
  const { github, cli, id } = await scene(t);
  github.intercept = ({ url = '' }, response) => {
    if (!url.endsWith('/merge')) return false;
    response.writeHead(405).end('{"message": "Changes must be made through the merge queue"}');
    return true;
  };
  const { code, stderr } = await cli.run(['merge', id, '--yes']);
  t.is(code, 2);
  t.regex(
    stderr.replaceAll(/\s+/g, ' '),
    /main has a merge queue: add it to that on .*must be made through the merge queue/,
  );
});

test('an errand without a pull request has none to merge', async (t) => {
  const { api, cli } = await loggedIn(t);
  const { id } = await api.call('createTask', { body: { prompt: 'Mend it', repo_url: 'https://github.com/ada/demo' } });
  for (const command of ['merge', 'ready']) {
    const { code, stderr } = await cli.run([command, id]);
    t.is(code, 2);
    t.regex(stderr, /has no pull request that is open/);
  }
});

test('of several pull requests the one is named that is meant', async (t) => {
  const { server, api, cli } = await loggedIn(t);
  const [repo_url, docs] = ['https://github.com/ada/demo', 'https://forge.example/ada/docs'];
  const { id } = await api.call('createTask', {
    body: { prompt: 'Mend it', repo_url, repositories: [{ repo_url: docs }] },
  });
  const at = new Date().toISOString();
  const wish = { title: 'Mend it', head_branch: 'fix', head_commit: 'a'.repeat(40), base_branch: 'main' };
  for (const url of [repo_url, docs])
    server.log.write((tx) => {
      const row = newPull({ task_id: id, repo_url: url, ...wish, draft: false, author: 'person' }, at);
      insertPull(tx.db, row);
      changePull(tx, row.id, { state: 'open', number: 7, next_look_at: null }, at);
    });
  const unnamed = await cli.run(['merge', id]);
  t.is(unnamed.code, 2);
  t.regex(unnamed.stderr, /several pull requests: name one by --repository: demo, docs/);
  const named = await cli.run(['merge', id, '--repository', 'docs', '--yes']);
  t.regex(named.stderr, /There is no token for forge\.example/);
  t.regex((await cli.run(['ready', id, '--repository', 'none'])).stderr, /no pull request in none that is open/);
});
