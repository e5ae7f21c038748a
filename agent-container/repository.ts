import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Assignment } from '../protocol/worker.ts';
import type { GitRefusal } from './forwarder.ts';
import type { Git, GitEnd } from './git.ts';
import { pushError, fetchError, RepositoryError } from './repository-error.ts';
import { isWip } from './snapshot.ts';

/** Enough to see how the project came here; the agent can fetch the rest (`git fetch --unshallow`), as long as the attempt lasts. */
const DEPTH = 50;
const FETCH_MS = 900_000;
const PUSH_MS = 300_000;
const TRIES_MAX = 5;
/** The commit that this task pushed last: what its next push may replace. */
export const PUSHED = 'refs/errand/pushed';
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

export type Remote = {
  /** The repository, by the forwarder. */
  url: string;
  takeGitRefusal: () => GitRefusal | null;
};

type Task = Pick<Assignment, 'task_id' | 'attempt' | 'base_branch' | 'branch' | 'repo_url' | 'author'>;

/** Where the work begins. The commits are null in a repository that has none. */
export type Prepared = { base_branch: string; base_commit: string | null; commit: string | null; adopted: boolean };

/**
 * Makes the task's repository ready in `git.dir`: the one that an earlier attempt left there, else a new clone, on the task's branch where the
 * remote has it, else on the base branch. Throws `RepositoryError`.
 */
export async function prepareRepository(git: Git, remote: Remote, task: Task): Promise<Prepared> {
  await mkdir(git.dir, { recursive: true });
  const refs = await remoteRefs(git, remote, task);
  if (await isAdoptable(git, task)) return adopt(git, remote, task, refs);
  await empty(git.dir);
  const base_branch = task.base_branch ?? refs.head;
  await git.run(['init', '-q', `--initial-branch=${task.branch}`]);
  await git.run(['remote', 'add', 'origin', remote.url]);
  await writeFile(join(git.dir, '.git/info/exclude'), `${JUNK.join('\n')}\n`);
  await git.run(['config', 'user.name', task.author.name]);
  await git.run(['config', 'user.email', task.author.email]);
  const base_commit = refs.branches.size === 0 ? null : await checkOut(git, remote, task, refs, base_branch);
  if (base_commit !== null) await git.run(['config', 'errand.base', base_commit]);
  await git.run(['config', 'errand.baseBranch', base_branch]);
  // Last: a folder that bears it is whole.
  await git.run(['config', 'errand.task', task.task_id]);
  return { base_branch, base_commit, commit: await git.commit('HEAD'), adopted: false };
}

type Refs = { head: string; branches: Map<string, string> };

/** The remote's branches, and the one that its HEAD names (`main` where it has none at all). */
async function remoteRefs(git: Git, remote: Remote, task: Task): Promise<Refs> {
  const out = await fetching(git, remote, task, ['ls-remote', '--symref', remote.url, 'HEAD', 'refs/heads/*']);
  const branches = new Map<string, string>();
  let head: string | undefined;
  for (const line of out.split('\n')) {
    const [left = '', name = ''] = line.split('\t');
    if (name === 'HEAD' && left.startsWith('ref: refs/heads/')) head = left.slice('ref: refs/heads/'.length);
    else if (name.startsWith('refs/heads/')) branches.set(name.slice('refs/heads/'.length), left);
  }
  const wanted = task.base_branch ?? head;
  if (branches.size > 0 && (wanted === undefined || !branches.has(wanted)))
    throw new RepositoryError(
      'repository_not_found',
      wanted === undefined
        ? 'The repository names no default branch: name the base branch.'
        : `The repository has no branch ${wanted}.`,
    );
  return { head: wanted ?? 'main', branches };
}

/** Fetches what is needed and checks it out. Gives the commit that the task's changes are counted from. */
async function checkOut(git: Git, remote: Remote, task: Task, refs: Refs, base: string): Promise<string> {
  const resumes = refs.branches.has(task.branch) && task.branch !== base;
  const names = resumes ? [base, task.branch] : [base];
  await fetchBranches(git, remote, task, names, [`--depth=${DEPTH}`]);
  await git.run(['symbolic-ref', 'refs/remotes/origin/HEAD', `refs/remotes/origin/${base}`]);
  const tip = `refs/remotes/origin/${resumes ? task.branch : base}`;
  await git.run(['checkout', '-q', '--no-track', '-B', task.branch, tip], { time_limit_ms: FETCH_MS });
  if (!resumes) return git.run(['rev-parse', tip]);
  await git.run(['update-ref', PUSHED, tip]);
  const base_commit = await mergeBase(git, remote, task, names);
  // Work in progress that was pushed is opened again: its changes go back among the files.
  if (isWip(await git.run(['log', '-1', '--format=%B'])) && (await git.commit('HEAD^')) !== null)
    await git.run(['reset', '-q', 'HEAD^']);
  return base_commit;
}

async function mergeBase(git: Git, remote: Remote, task: Task, [base = '', branch = '']: string[]): Promise<string> {
  const find = () => git.try(['merge-base', `refs/remotes/origin/${base}`, `refs/remotes/origin/${branch}`]);
  let found = await find();
  if (found.code !== 0) {
    await fetchBranches(git, remote, task, [base, branch], ['--unshallow']);
    found = await find();
  }
  return found.code === 0
    ? found.stdout.toString('utf8').trim()
    : git.run(['rev-parse', `refs/remotes/origin/${base}`]);
}

function fetchBranches(git: Git, remote: Remote, task: Task, names: string[], how: string[]): Promise<string> {
  const specs = names.map((name) => `+refs/heads/${name}:refs/remotes/origin/${name}`);
  return fetching(git, remote, task, [
    'fetch',
    '-q',
    '--no-tags',
    '--no-recurse-submodules',
    ...how,
    'origin',
    ...specs,
  ]);
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
    await fetchBranches(git, remote, task, [task.branch], []);
    await git.try(['merge', '-q', '--ff-only', `refs/remotes/origin/${task.branch}`]);
  }
  const base = await git.try(['config', '--local', 'errand.base']);
  const base_branch = await git.run(['config', '--local', 'errand.baseBranch']);
  const base_commit = base.code === 0 ? base.stdout.toString('utf8').trim() : null;
  return { base_branch, base_commit, commit: await git.commit('HEAD'), adopted: true };
}

/**
 * Pushes a commit to the task's branch, and gives the branch's name. It replaces what the task itself pushed before, and nothing else: where
 * somebody else has been at the branch, the commit goes to a branch beside it. Throws `RepositoryError`.
 */
export async function push(git: Git, remote: Remote, task: Task, commit: string): Promise<string> {
  let { branch } = task;
  let replaces = (await git.commit(PUSHED)) ?? '';
  for (let tries = 1; ; tries++) {
    remote.takeGitRefusal();
    const lease = `--force-with-lease=refs/heads/${branch}:${replaces}`;
    const args = ['push', '--porcelain', '--no-verify', lease, remote.url, `${commit}:refs/heads/${branch}`];
    const end = await git.try(args, { time_limit_ms: PUSH_MS });
    if (end.code === 0) {
      await git.run(['update-ref', PUSHED, commit]);
      return branch;
    }
    const error = pushError(end, remote.takeGitRefusal());
    if (error.reason !== 'push_failed' || tries === TRIES_MAX) throw error;
    if (!isLeaseLost(end)) {
      await pause(git, tries);
      continue;
    }
    const { branches } = await remoteRefs(git, remote, { ...task, base_branch: null });
    const there = branches.get(branch) ?? '';
    if (there !== '' && !(await isAncestor(git, there, commit))) branch = `${task.branch}-${task.attempt}`;
    replaces = branches.get(branch) ?? '';
  }
}

const isLeaseLost = (end: GitEnd) =>
  /^!\t\S+\t\[rejected\] \((stale info|fetch first|non-fast-forward)\)/m.test(end.stdout.toString('utf8'));

async function isAncestor(git: Git, older: string, newer: string): Promise<boolean> {
  return (await git.try(['merge-base', '--is-ancestor', older, newer])).code === 0;
}

/** A command that reads from the remote, tried again where the remote could not be reached. */
async function fetching(git: Git, remote: Remote, task: Task, args: string[]): Promise<string> {
  for (let tries = 1; ; tries++) {
    remote.takeGitRefusal();
    const end = await git.try(args, { time_limit_ms: FETCH_MS });
    if (end.code === 0) return end.stdout.toString('utf8').trimEnd();
    const error = fetchError(end, remote.takeGitRefusal(), task.repo_url);
    if (error.reason !== 'repository_unavailable' || tries === TRIES_MAX) throw error;
    await pause(git, tries);
  }
}

function pause(git: Git, tries: number): Promise<void> {
  return sleep(250 * 2 ** tries * (0.5 + Math.random() / 2), undefined, { signal: git.signal });
}

/** Removes what is in a folder, and not the folder: it may be a mount. */
async function empty(dir: string): Promise<void> {
  for (const name of await readdir(dir)) await rm(join(dir, name), { recursive: true, force: true });
}
