import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { GitDependencies } from '../../../../coordinator/worker-api/git/git-proxy.ts';
import { ErrandError } from '../../../../protocol/problem.ts';
import { cloneWithWork, commit, refsOf, setUp, type GitProxyScene } from '../../../support/git-proxy-scene.ts';
import { git, tryGit } from '../../../support/git-server.ts';

/** A repository with the branch `feature`, and a task whose person has named a branch. */
async function scene(t: ExecutionContext, work_branch = 'feature', change: Partial<GitDependencies> = {}) {
  const setting = await setUp(t, { workBranch: () => work_branch, ...change });
  const bare = join(setting.forge.root, 'team/app');
  await git(bare, 'branch', 'feature', 'main');
  const clone = await cloneWithWork(setting);
  /** Somebody else commits to the branch. */
  const byAnother = async (message: string, ...options: string[]) => {
    const tree = await git(bare, 'rev-parse', 'feature^{tree}');
    const made = await git(bare, 'commit-tree', tree, '-m', message, ...options);
    await git(bare, 'update-ref', 'refs/heads/feature', made);
    return made;
  };
  const tip = () => git(bare, 'rev-parse', 'refs/heads/feature');
  return { ...setting, bare, clone, byAnother, tip };
}

/** Pushes to the task's own branch first, as a worker does. */
async function push({ prefix }: GitProxyScene, clone: string, branch = 'feature', ...options: string[]) {
  await git(clone, 'push', '--quiet', '--force', 'origin', `HEAD:refs/heads/${prefix}work`);
  return tryGit(clone, 'push', '--porcelain', ...options, 'origin', `HEAD:refs/heads/${branch}`);
}

test('a task may move the branch that its person named forward', async (t) => {
  const setting = await scene(t);
  const { clone, tip } = setting;
  const pushed = await push(setting, clone);
  t.true(pushed.ok, pushed.stderr);
  t.is(await tip(), await git(clone, 'rev-parse', 'HEAD'));
  await commit(clone, 'more.txt', 'more\n');
  t.true((await push(setting, clone)).ok);
  t.is(await tip(), await git(clone, 'rev-parse', 'HEAD'));
});

test('a task may make the branch that its person named', async (t) => {
  const setting = await scene(t, 'new/näme');
  t.true((await push(setting, setting.clone, 'new/näme')).ok);
  t.is(await git(setting.bare, 'show', 'new/näme:work.txt'), 'done');
});

test('nothing that others have pushed to a named branch is lost, whatever a worker sends', async (t) => {
  const setting = await scene(t);
  const { clone, byAnother, bare, tip } = setting;
  const theirs = await byAnother('Theirs', '-p', 'feature');
  const refused = await push(setting, clone, 'feature', '--force');
  t.false(refused.ok);
  t.regex(refused.stdout + refused.stderr, /does not contain the present one|fetch first/);
  t.is(await tip(), theirs);
  // With what the branch has now as the expected commit, and a history without it.
  await git(clone, 'fetch', '--quiet', 'origin', 'feature');
  const forced = await push(setting, clone, 'feature', '--force');
  t.regex(forced.stdout, /the commit does not contain the present one of the branch/);
  t.is(await tip(), theirs);
  // A commit that has it as a parent of a parent is a merge.
  await git(clone, 'merge', '--quiet', '--no-edit', 'FETCH_HEAD');
  await commit(clone, 'after.txt', 'after\n');
  t.true((await push(setting, clone)).ok);
  t.regex(await git(bare, 'log', '--format=%s', 'feature'), /Theirs/);
});

test('a history without anything in common is refused', async (t) => {
  const setting = await scene(t);
  const { clone, tip } = setting;
  const before = await tip();
  await git(clone, 'checkout', '--quiet', '--orphan', 'other');
  await commit(clone, 'other.txt', 'other\n');
  t.regex((await push(setting, clone, 'feature', '--force')).stdout, /does not contain the present one/);
  t.is(await tip(), before);
});

test('a commit that is nowhere else is pushed to the branch of the task first', async (t) => {
  const { clone, prefix } = await scene(t);
  const refused = await tryGit(clone, 'push', '--porcelain', 'origin', 'HEAD:refs/heads/feature');
  t.regex(refused.stdout, new RegExp(`push the commit to refs/heads/${prefix}\\* first`));
});

test('the default branch is never pushed to, also where a person names it', async (t) => {
  const setting = await scene(t, 'main');
  const before = await refsOf(setting);
  t.regex((await push(setting, setting.clone, 'main')).stdout, /it is the default branch/);
  const main = (refs: string) => refs.split('\n').find((line) => line.startsWith('refs/heads/main '));
  t.is(main(await refsOf(setting)), main(before));
});

test('a named branch is not deleted, and goes by itself', async (t) => {
  const setting = await scene(t);
  const { clone, prefix } = setting;
  const deletion = await tryGit(clone, 'push', '--porcelain', 'origin', ':refs/heads/feature');
  t.regex(deletion.stdout, /branches may not be deleted/);
  const both = await tryGit(
    clone,
    'push',
    '--porcelain',
    'origin',
    `HEAD:refs/heads/${prefix}x`,
    'HEAD:refs/heads/feature',
  );
  t.regex(both.stdout, /push feature by itself/);
  const other = await push(setting, clone, 'other');
  t.regex(other.stdout, /and refs\/heads\/feature may be pushed/);
});

test('a named branch that its forge protects by now is not pushed, nor one of which it does not say so', async (t) => {
  const answers: (() => string | null)[] = [
    () => 'the forge protects the branch from pushes',
    () => {
      throw new ErrandError('upstream_unreachable', 'The forge does not answer.');
    },
    () => null,
  ];
  const asked: string[] = [];
  const protection: GitDependencies['protection'] = async (_task_id, branch) => {
    asked.push(branch);
    return answers.shift()?.() ?? null;
  };
  const setting = await scene(t, 'feature', { protection });
  const { clone, tip } = setting;
  const before = await tip();
  const refused = await push(setting, clone);
  t.regex(refused.stdout, /the forge protects the branch from pushes/);
  const away = await push(setting, clone);
  t.regex(away.stderr, /returned error: 50\d/, 'which a worker tries again');
  t.is(await tip(), before);
  t.true((await push(setting, clone)).ok);
  t.deepEqual(asked, ['feature', 'feature', 'feature'], 'its own branches are not asked for');
});
