import test, { type ExecutionContext } from 'ava';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Publisher } from '../../../agent-container/git/publisher.ts';
import { SecretSearch } from '../../../agent-container/git/secret-search.ts';
import { git as plainGit } from '../../support/git-server.ts';
import { NOTHING_EXPECTED, setRepositoryScene } from '../../support/repository-scene.ts';

const TOKEN = 'ghp_aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0eF3hJ6';
const OTHER_TOKEN = 'ghp_bC4eF7hJ0kL3nP6qR9tU2wX5zA8cD1fG4iK7';
const MARKERS = '<<<<<<< HEAD\na\n=======\nb\n>>>>>>> side\n';
/** What must not be in the work of a task, and is in the repository of this project all the same. */
const FIXTURES = { 'fixture.txt': TOKEN, 'conflict.txt': MARKERS, 'sealed.txt': 'sealed' };

/** A task at work, while others push what a push of the task itself would be stopped for. */
async function scene(t: ExecutionContext, work_branch?: string) {
  const setting = await setRepositoryScene(t, { 'README.md': '#\n', '.gitattributes': 'sealed.* filter=git-crypt\n' });
  const { bare, clone, remote, task } = setting;
  await plainGit(bare, 'branch', 'side', 'main');
  await plainGit(bare, 'branch', 'feature', 'main');
  const repos = clone();
  const record = await setting.prepare(repos, NOTHING_EXPECTED, { ...task, ...(work_branch && { work_branch }) });
  const publisher = new Publisher({
    remote,
    approval: null,
    record,
    secrets: new SecretSearch({ values: [] }),
    began_ms: Date.now,
    emit: async () => {},
    tell: async () => {},
  });
  const publish = async (wip = false) => {
    const options = { message: 'Work', wip, with_diff: false, accept: () => true };
    return (await publisher.publish(repos, options)).problem?.message;
  };
  const { dir } = repos.own;
  const agent = (...args: string[]) => plainGit(dir, ...args);
  const change = (path: string, text: string) => writeFile(join(dir, path), text);
  const byOthers = async (branch: string, files: Record<string, string> = FIXTURES) => {
    for (const [path, text] of Object.entries(files)) await setting.byAnother(branch, path, text);
  };
  return { ...setting, publish, agent, change, byOthers };
}

for (const branch of ['main', 'side', 'feature'])
  test(`what others pushed to ${branch} and the agent merged stops no push: as work in progress, nor at the end`, async (t) => {
    const { publish, agent, change, byOthers } = await scene(t, branch === 'feature' ? branch : undefined);
    await change('a.txt', 'a');
    await agent('add', '.');
    await agent('commit', '-q', '-m', 'By the agent');
    // Another branch than those of the task: its commits are known, its files are not.
    await byOthers(branch, branch === 'side' ? { 'fixture.txt': TOKEN } : FIXTURES);
    await agent('fetch', '-q', 'origin', branch);
    await agent('merge', '-q', '-m', 'Merge', 'FETCH_HEAD');
    t.is(await publish(true), undefined);
    await change('b.txt', 'b');
    t.is(await publish(), undefined);
    await change('b.txt', 'c');
    t.is(await publish(), undefined);
  });

test('what the agent merges is known although it is not committed yet, and the branch has moved on since', async (t) => {
  const { publish, agent, byOthers, byAnother, change } = await scene(t);
  await change('a.txt', 'a');
  await agent('add', '.');
  await agent('commit', '-q', '-m', 'By the agent');
  await byOthers('main');
  await agent('fetch', '-q', 'origin', 'main');
  await agent('merge', '-q', '--no-commit', 'FETCH_HEAD');
  await byAnother('main', 'later.txt');
  t.is(await publish(), undefined);
});

test('a secret that the agent adds in a merge stops the push', async (t) => {
  const { publish, agent, byOthers, change } = await scene(t);
  await change('a.txt', 'a');
  await agent('add', '.');
  await agent('commit', '-q', '-m', 'By the agent');
  await byOthers('main');
  await agent('fetch', '-q', 'origin', 'main');
  await agent('merge', '-q', '--no-commit', 'FETCH_HEAD');
  await change('mine.txt', `${OTHER_TOKEN}\n${MARKERS}`);
  await agent('add', '.');
  await agent('commit', '-q', '-m', 'Merge');
  const problem = (await publish()) ?? '';
  t.regex(problem, /mine\.txt:1 contains a GitHub token/);
  t.regex(problem, /conflict markers in mine\.txt:/);
  t.notRegex(problem, /fixture\.txt|sealed\.txt/);
});

test('the agent cannot pretend that the remote has a commit', async (t) => {
  const { publish, agent, change } = await scene(t);
  await change('mine.txt', OTHER_TOKEN);
  await agent('add', '.');
  await agent('commit', '-q', '-m', 'By the agent');
  for (const ref of ['refs/remotes/origin/main', 'refs/heads/main', 'refs/errand/pushed', 'refs/errand/work'])
    await agent('update-ref', ref, 'HEAD');
  await change('mine.txt', 'clean');
  t.regex((await publish()) ?? '', /mine\.txt:1 in the commit [0-9a-f]{12} contains a GitHub token/);
});
