import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Assignment } from '../../protocol/worker.ts';
import type { Git } from './git.ts';
import { PUSHED } from './push.ts';
import { fetchBranches, remoteRefs, type Refs, type Remote } from './remote.ts';
import { RepositoryError } from './repository-error.ts';
import { isWip } from './commit-worktree.ts';

/** Enough to see how the project came here; the agent can fetch the rest (`git fetch --unshallow`), as long as the attempt lasts. */
const DEPTH = 50;
const CHECKOUT_MS = 900_000;
/** Never meant for a commit, also where a repository does not say so. */
const JUNK = [
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

/** Where the work begins. The commits are null in a repository that has none. */
export type Prepared = { base_branch: string; base_commit: string | null; commit: string | null; adopted: boolean };

/**
 * Makes the task's repository ready in `git.dir`: the one that an earlier attempt left there, else a new clone, on the task's branch where the
 * remote has it, else on the base branch. Throws `RepositoryError`.
 */
export async function prepareRepository(git: Git, remote: Remote, task: Task): Promise<Prepared> {
  await mkdir(git.dir, { recursive: true });
  const refs = await remoteRefs(git, remote);
  if (await isAdoptable(git, task)) return adopt(git, remote, task, refs);
  const base_branch = baseBranch(refs, task);
  await empty(git.dir);
  await git.run(['init', '-q', `--initial-branch=${task.branch}`]);
  await git.run(['remote', 'add', 'origin', remote.url]);
  await writeFile(join(git.dir, '.git/info/exclude'), `${JUNK.join('\n')}\n`);
  await git.run(['config', 'user.name', task.author.name]);
  await git.run(['config', 'user.email', task.author.email]);
  const base_commit = await checkOut(git, remote, task.branch, base_branch, refs);
  if (base_commit !== null) await git.run(['config', 'errand.base', base_commit]);
  await git.run(['config', 'errand.baseBranch', base_branch]);
  // Last: a folder that bears it is whole.
  await git.run(['config', 'errand.task', task.task_id]);
  return { base_branch, base_commit, commit: await git.commit('HEAD'), adopted: false };
}

/** The branch to begin from. In a repository that holds nothing, or nothing but what tasks pushed, it need not be there. */
function baseBranch({ head, branches }: Refs, task: Task): string {
  const of_tasks = `${task.branch.split('/')[0]}/`;
  const wanted = task.base_branch ?? head;
  if ([...branches.keys()].every((name) => name.startsWith(of_tasks))) return wanted ?? 'main';
  if (wanted !== undefined && branches.has(wanted)) return wanted;
  throw new RepositoryError(
    'repository_not_found',
    wanted === undefined
      ? 'The repository names no default branch: name the base branch.'
      : `The repository has no branch ${wanted}.`,
  );
}

const tracked = (branch: string) => `refs/remotes/origin/${branch}`;

/** Fetches what is needed and checks it out. Gives the commit that the task's changes are counted from, null where there was none. */
async function checkOut(git: Git, remote: Remote, branch: string, base: string, refs: Refs): Promise<string | null> {
  const names = [base, branch].filter((name) => refs.branches.has(name));
  const tip = names.at(-1);
  if (tip === undefined) return null;
  await fetchBranches(git, remote, names, [`--depth=${DEPTH}`]);
  if (names.includes(base)) await git.run(['symbolic-ref', tracked('HEAD'), tracked(base)]);
  await git.run(['checkout', '-q', '--no-track', '-B', branch, tracked(tip)], { time_limit_ms: CHECKOUT_MS });
  if (tip !== branch) return git.commit('HEAD');
  await git.run(['update-ref', PUSHED, tracked(branch)]);
  const base_commit = names.includes(base) ? await forkPoint(git, remote, base, branch) : null;
  // Work in progress that was pushed is opened again: its changes go back among the files.
  if (isWip(await git.run(['log', '-1', '--format=%B'])) && (await git.commit('HEAD^')) !== null)
    await git.run(['reset', '-q', 'HEAD^']);
  return base_commit;
}

/** Where the branch left its base; that may lie before what was fetched. */
async function forkPoint(git: Git, remote: Remote, base: string, branch: string): Promise<string | null> {
  const find = () => git.try(['merge-base', tracked(base), tracked(branch)]);
  let found = await find();
  if (found.code !== 0 && (await git.run(['rev-parse', '--is-shallow-repository'])) === 'true') {
    await fetchBranches(git, remote, [base, branch], ['--unshallow']);
    found = await find();
  }
  return found.code === 0 ? found.stdout.toString('utf8').trim() : git.commit(tracked(base));
}

/** Whether the folder holds what an earlier attempt of this task cloned to the end, and git still understands it. */
async function isAdoptable(git: Git, task: Task): Promise<boolean> {
  const names = await readdir(git.dir);
  if (!names.includes('.git')) return false;
  await removeLocks(join(git.dir, '.git'));
  const owner = await git.try(['config', '--local', 'errand.task']);
  if (owner.stdout.toString('utf8').trim() !== task.task_id) return false;
  return (await git.try(['status', '--porcelain', '-uno'])).code === 0;
}

/** Nobody works here: a lock was left by a process that was killed. */
async function removeLocks(git_dir: string): Promise<void> {
  const [top, refs] = await Promise.all([
    readdir(git_dir),
    readdir(join(git_dir, 'refs'), { recursive: true }).catch(() => []),
  ]);
  const locks = [...top, ...refs.map((name) => join('refs', name))].filter((name) => name.endsWith('.lock'));
  await Promise.all(locks.map((name) => rm(join(git_dir, name), { force: true })));
}

async function adopt(git: Git, remote: Remote, task: Task, refs: Refs): Promise<Prepared> {
  await git.run(['remote', 'set-url', 'origin', remote.url]);
  // A person may have pushed to the task's branch meanwhile: that is taken up where it is a mere continuation.
  if (refs.branches.has(task.branch) && refs.branches.get(task.branch) !== (await git.commit(PUSHED))) {
    await fetchBranches(git, remote, [task.branch], []);
    await git.try(['merge', '-q', '--ff-only', `refs/remotes/origin/${task.branch}`]);
  }
  const base = await git.try(['config', '--local', 'errand.base']);
  const base_branch = await git.run(['config', '--local', 'errand.baseBranch']);
  const base_commit = base.code === 0 ? base.stdout.toString('utf8').trim() : null;
  return { base_branch, base_commit, commit: await git.commit('HEAD'), adopted: true };
}

/** Removes what is in a folder, and not the folder: it may be a mount. */
async function empty(dir: string): Promise<void> {
  for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true, force: true });
}
