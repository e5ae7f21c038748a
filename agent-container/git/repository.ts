import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Assignment } from '../../protocol/worker.ts';
import { checkOut, chooseBaseBranch } from './checkout.ts';
import type { Git } from './git.ts';
import { PUSHED_REF } from './push.ts';
import { fetchBranches, remoteRefs, type Remote, type RemoteRefs } from './remote.ts';

/** Never committed, even if the repository does not ignore them itself. */
const IGNORED = [
  'node_modules/',
  '.venv/',
  '__pycache__/',
  '*.pyc',
  '.pytest_cache/',
  '.mypy_cache/',
  '.ruff_cache/',
  '.tox/',
  '.npm/',
  '.DS_Store',
  '*.swp',
];

type Task = Pick<Assignment, 'task_id' | 'base_branch' | 'branch' | 'author'>;

/**
 * Where the work begins. The commits are null in an empty repository. `adopted`: it was there from an earlier attempt.
 */
type PreparedRepository = {
  base_branch: string;
  base_commit: string | null;
  commit: string | null;
  adopted: boolean;
};

/**
 * Prepares the task's repository in `git.dir`: adopts the one that an earlier attempt left there, or clones it. It is
 * on the task's branch, from the remote if it is there, else from the base branch. Throws `AttemptFailure`.
 */
export async function prepareRepository(git: Git, remote: Remote, task: Task): Promise<PreparedRepository> {
  await mkdir(git.dir, { recursive: true });
  const refs = await remoteRefs(git, remote);
  if (await isAdoptable(git, task)) return adopt(git, remote, task, refs);
  const base_branch = chooseBaseBranch(refs, task);
  await emptyDirectory(git.dir);
  await git.run(['init', '-q', `--initial-branch=${task.branch}`]);
  await git.run(['remote', 'add', 'origin', remote.url]);
  await writeFile(join(git.dir, '.git/info/exclude'), `${IGNORED.join('\n')}\n`);
  await git.run(['config', 'user.name', task.author.name]);
  await git.run(['config', 'user.email', task.author.email]);
  const base_commit = await checkOut(git, remote, task.branch, base_branch, refs);
  if (base_commit !== null) await git.run(['config', 'errand.base', base_commit]);
  await git.run(['config', 'errand.baseBranch', base_branch]);
  // Set last: it marks the clone as complete.
  await git.run(['config', 'errand.task', task.task_id]);
  return { base_branch, base_commit, commit: await git.commit('HEAD'), adopted: false };
}

/** Whether the directory holds a complete clone by an earlier attempt of this task, which git can still read. */
async function isAdoptable(git: Git, task: Task): Promise<boolean> {
  const names = await readdir(git.dir);
  if (!names.includes('.git')) return false;
  await removeLocks(join(git.dir, '.git'));
  const owner = await git.try(['config', '--local', 'errand.task']);
  if (owner.stdout.toString('utf8').trim() !== task.task_id) return false;
  return (await git.try(['status', '--porcelain', '-uno'])).code === 0;
}

/** Removes the locks of git processes that were killed. No other process uses this repository. */
async function removeLocks(git_dir: string): Promise<void> {
  const [top, refs] = await Promise.all([
    readdir(git_dir),
    readdir(join(git_dir, 'refs'), { recursive: true }).catch(() => []),
  ]);
  const locks = [...top, ...refs.map((name) => join('refs', name))].filter((name) => name.endsWith('.lock'));
  await Promise.all(locks.map((name) => rm(join(git_dir, name), { force: true })));
}

async function adopt(git: Git, remote: Remote, task: Task, refs: RemoteRefs): Promise<PreparedRepository> {
  await git.run(['remote', 'set-url', 'origin', remote.url]);
  // Someone may have pushed to the task's branch meanwhile. If that is a fast-forward, it is taken over.
  if (refs.branches.has(task.branch) && refs.branches.get(task.branch) !== (await git.commit(PUSHED_REF))) {
    await fetchBranches(git, remote, [task.branch], []);
    await git.try(['merge', '-q', '--ff-only', `refs/remotes/origin/${task.branch}`]);
  }
  const base = await git.try(['config', '--local', 'errand.base']);
  const base_branch = await git.run(['config', '--local', 'errand.baseBranch']);
  const base_commit = base.code === 0 ? base.stdout.toString('utf8').trim() : null;
  return { base_branch, base_commit, commit: await git.commit('HEAD'), adopted: true };
}

/** Removes the content of a directory but not the directory, which may be a mount. */
async function emptyDirectory(dir: string): Promise<void> {
  for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true, force: true });
}
