import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Commit } from '../../protocol/task.ts';
import { AttemptFailure } from '../base/failure.ts';
import { readRegularFile, replaceFile } from '../base/regular-file.ts';
import { TEMPORARY_PATTERN } from '../base/temporary-name.ts';
import { isDiskFull, runError, splitNul, type Git, type GitOptions, type GitResult } from './git.ts';
import type { RemoteRefs } from './remote-refs.ts';
import { fetchCommit, fetchNew, type Remote } from './remote.ts';

/**
 * Enough to see the project's recent history. During the attempt the agent can fetch the rest (`git fetch
 * --unshallow`).
 */
const DEPTH = 50;
/** The commit that the next one follows: the agent's HEAD as it was last read. */
export const HEAD_REF = 'refs/errand/head';
/**
 * The commit of the task's branch: what the task pushed last, or what others pushed there and its files have. The next
 * push may replace it; the coordinator lets none replace commits of others. Unset: there is nothing to take back.
 */
export const PUSHED_REF = 'refs/errand/pushed';
/**
 * One ref for each commit that this task began to push and of which it is not known whether the remote took it: the
 * push, or the worker, was ended before the answer. The next push may replace these too.
 */
const SENT_REFS = 'refs/errand/sent';
/** The commit of the branch that the person named, as it was last seen or pushed. */
export const WORK_REF = 'refs/errand/work';

const REF_BYTES_MAX = 1024;

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
  TEMPORARY_PATTERN,
];
/** The names of the folders among them. */
export const IGNORED_FOLDERS = new Set(IGNORED.filter((name) => name.endsWith('/')).map((name) => name.slice(0, -1)));

const CORE = 'filemode = true\n\tbare = false\n\tlogallrefupdates = true\n';
const CONFIG: Record<RemoteRefs['object_format'], string> = {
  sha1: `[core]\n\trepositoryformatversion = 0\n\t${CORE}`,
  sha256: `[core]\n\trepositoryformatversion = 1\n\t${CORE}[extensions]\n\tobjectformat = sha256\n`,
};

/** The names that a remote's branch has after a fetch. */
export const tracking = (branch: string) => `refs/remotes/origin/${branch}`;

/** The branches of a task: where it starts, its own, and the one that its person named, if they named one. */
export type Branches = { base_branch: string; branch: string; work_branch?: string | undefined };

/**
 * Fetches those of the task's branches that the remote has, and returns their names: the one to start from last. What
 * the task has pushed already comes before the branch that the person named, and that before the base.
 */
export async function fetchKnown(
  own: Git,
  remote: Remote,
  refs: RemoteRefs,
  { base_branch, branch, work_branch }: Branches,
): Promise<string[]> {
  const { branches } = refs;
  const wanted = [base_branch, work_branch, branch].filter((name) => name !== undefined);
  const names = wanted.filter((name, i) => branches.has(name) && wanted.indexOf(name) === i);
  if (names.length > 0) await fetchNew(own, remote, refs, names, [`--depth=${DEPTH}`]);
  if (work_branch !== undefined && branches.has(work_branch))
    await own.run(['update-ref', WORK_REF, tracking(work_branch)]);
  return names;
}

/**
 * Makes the worker's own git directory anew, without commits. It is written here: a run of git takes longer. Objects
 * of Git LFS stay: those of commits that are not pushed yet may be nowhere else.
 */
export async function initOwn({ git_dir }: Git, { object_format }: RemoteRefs): Promise<void> {
  const names = (await readdir(git_dir).catch(() => [])).filter((name) => name !== 'lfs');
  await Promise.all(names.map((name) => rm(join(git_dir, name), { recursive: true, force: true })));
  const folders = ['info', 'objects', 'refs/errand'];
  await Promise.all(folders.map((name) => mkdir(join(git_dir, name), { recursive: true })));
  await Promise.all([
    writeFile(join(git_dir, 'HEAD'), 'ref: refs/heads/errand\n'),
    writeFile(join(git_dir, 'config'), CONFIG[object_format]),
  ]);
}

/** Writes a ref that is not there yet, as git does: a run of git takes longer. */
export async function makeRef(
  { git_dir }: Git,
  ref: typeof HEAD_REF | typeof PUSHED_REF,
  commit: string,
): Promise<void> {
  await replaceFile(join(git_dir, ref), `${commit}\n`);
}

/** Notes that a push of this commit begins. */
export async function noteSent({ git_dir }: Git, commit: string): Promise<void> {
  await mkdir(join(git_dir, SENT_REFS), { recursive: true });
  await replaceFile(join(git_dir, SENT_REFS, commit), `${commit}\n`);
}

/** Whether a push of this commit began and was not answered, so that the task itself has put it on the remote. */
export async function wasSent(own: Git, commit: string): Promise<boolean> {
  return (await readRef(own, `${SENT_REFS}/${commit}`)) !== null;
}

/** Whether the task has pushed anything, or has begun to. */
export async function hasBegunPush(own: Git): Promise<boolean> {
  const sent = await readdir(join(own.git_dir, SENT_REFS)).catch(() => []);
  return sent.length > 0 || (await readRef(own, PUSHED_REF)) !== null;
}

/** The task's branch is at this commit, which the task has pushed. */
export async function notePushed(own: Git, commit: string): Promise<void> {
  await own.run(['update-ref', PUSHED_REF, commit]);
  await rm(join(own.git_dir, SENT_REFS), { recursive: true, force: true });
}

/** The commit of a ref; null if there is none. Nobody packs the refs of the worker's own repository: each is a file. */
export async function readRef({ git_dir }: Git, ref: string): Promise<string | null> {
  const text = await readRegularFile(join(git_dir, ref), REF_BYTES_MAX);
  return Commit.safeParse(text?.toString().trimEnd()).data ?? null;
}

/**
 * Makes the worker's own git directory anew for a working tree that stays as it is. The base commit comes from the
 * remote. Throws `AttemptFailure` where it does not come.
 */
export async function rebuildOwn(
  own: Git,
  remote: Remote,
  refs: RemoteRefs,
  { base_branch, base_commit, branch, work_branch }: Branches & { base_commit: string | null },
): Promise<void> {
  await initOwn(own, refs);
  await fetchKnown(own, remote, refs, { base_branch, branch, work_branch });
  if (base_commit !== null) {
    const is_here = (await own.commit(base_commit)) !== null;
    const failure = is_here ? null : await fetchCommit(own, remote, base_commit, DEPTH);
    if (failure !== null) throw failure;
    if ((await own.commit(base_commit)) === null)
      throw new AttemptFailure('repository_unavailable', `The remote no longer has the base commit ${base_commit}.`);
    await own.run(['update-ref', HEAD_REF, base_commit]);
    await own.run(['read-tree', base_commit]);
  }
  await writeExcludes(own);
}

/**
 * Writes what is never committed. A folder of that name in which the repository tracks files is part of the project, so
 * new files in it are committed.
 */
export async function writeExcludes(own: Git): Promise<void> {
  const patterns = IGNORED.flatMap((name) => ['-x', name]);
  const tracked = await own.run(['ls-files', '-z', '-c', '-i', ...patterns]);
  const folders = new Set(splitNul(tracked).flatMap((path) => ignoredFolderOf(path) ?? []));
  const lines = [...IGNORED, ...[...folders].map((folder) => `!/${folder}/`)];
  await replaceFile(join(own.git_dir, 'info/exclude'), `${lines.join('\n')}\n`);
}

/** The outermost folder of a path that is ignored by its name; undefined if there is none. */
function ignoredFolderOf(path: string): string | undefined {
  const names = path.split('/');
  const index = names.slice(0, -1).findIndex((name) => IGNORED_FOLDERS.has(name));
  return index < 0 ? undefined : names.slice(0, index + 1).join('/');
}

/** Removes the locks of git processes that were killed. No other process uses this git directory. */
export async function removeLocks(git_dir: string): Promise<void> {
  const [top, refs] = await Promise.all([
    readdir(git_dir).catch(() => []),
    readdir(join(git_dir, 'refs'), { recursive: true }).catch(() => []),
  ]);
  const locks = [...top, ...refs.map((name) => join('refs', name))].filter((name) => name.endsWith('.lock'));
  await Promise.all(locks.map((name) => rm(join(git_dir, name), { force: true })));
}

/**
 * Runs a command that changes the index, and returns how it ended. One that was killed leaves no lock. Throws
 * `AttemptFailure` if the disk is full.
 */
export async function tryOnIndex(own: Git, args: string[], options: GitOptions): Promise<GitResult> {
  const result = await own.try(args, options);
  if (result.code === null) await removeLocks(own.git_dir);
  if (isDiskFull(result.stderr)) throw runError(args[0] ?? '', result);
  return result;
}
