import { copyFile, lstat, readFile, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode } from '../base/error-code.ts';
import { emptyTree } from './diff.ts';
import { errorSummary, type Git } from './git.ts';

/** A new file above this size is not committed: many forges would reject the whole push. */
const FILE_BYTES_MAX = 50 * 1024 * 1024;

type WorktreeCommit = {
  /** The commit that holds everything: HEAD itself if nothing has changed since, null if there is nothing at all. */
  commit: string | null;
  tree: string;
  /** What was left out, and why, for people: one text for each path. */
  excluded: string[];
};

/**
 * Commits the whole working tree on top of HEAD, except ignored files. Neither HEAD nor the index moves, so the agent
 * may use git at the same time. A cancel waits for this: it runs as few commands as possible, in parallel where it can.
 */
export async function commitWorktree(git: Git, message: string): Promise<WorktreeCommit> {
  const git_dir = join(git.dir, '.git');
  const env = { GIT_INDEX_FILE: join(git_dir, 'errand-index') };
  const [{ paths, excluded }, head, merge_heads] = await Promise.all([
    excludedFiles(git),
    git.resolve('HEAD'),
    readFile(join(git_dir, 'MERGE_HEAD'), 'utf8').catch(() => ''),
    copyIndex(join(git_dir, 'index'), env.GIT_INDEX_FILE),
  ]);
  const input = ['.', ...paths.map((path) => `:(exclude,literal)${path}`)].join('\0');
  const args = ['add', '-A', '--ignore-errors', '--pathspec-from-file=-', '--pathspec-file-nul'];
  const added = await git.try(args, { env, input });
  if (added.code !== 0) excluded.push(errorSummary(added.stderr));
  const tree = await git.run(['write-tree'], { env });
  if (tree === (head === null ? await emptyTree(git) : head.tree))
    return { commit: head?.commit ?? null, tree, excluded };
  const parents = [head?.commit ?? '', ...merge_heads.split('\n')].filter((parent) => parent !== '');
  const parent_args = parents.flatMap((parent) => ['-p', parent]);
  const commit = await git.run(['commit-tree', tree, ...parent_args, '-F', '-'], { input: message });
  return { commit, tree, excluded };
}

/** Moves HEAD and the index to a commit of the working tree. No file changes. */
export async function moveHeadTo(git: Git, commit: string): Promise<void> {
  await git.run(['reset', '-q', commit]);
}

/**
 * Copies the index together with its time, by which git knows which entries may have changed after they were read.
 * Before the first commit there may be no index: git takes a missing one as empty.
 */
async function copyIndex(from: string, to: string): Promise<void> {
  await rm(to, { force: true });
  try {
    const { atime, mtime } = await stat(from);
    await copyFile(from, to);
    await utimes(to, atime, mtime);
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

/** New files that no commit should hold: too large ones, and repositories inside the repository. */
async function excludedFiles(git: Git): Promise<{ paths: string[]; excluded: string[] }> {
  const listed = await git.run(['ls-files', '--others', '--exclude-standard', '-z']);
  const paths: string[] = [];
  const excluded: string[] = [];
  for (const path of listed.split('\0').filter((path) => path !== '')) {
    if (path.endsWith('/')) excluded.push(`${path} is a repository of its own`);
    else if (((await lstat(join(git.dir, path)).catch(() => null))?.size ?? 0) > FILE_BYTES_MAX)
      excluded.push(`${path} is above ${FILE_BYTES_MAX / 1024 / 1024} MiB`);
    else continue;
    paths.push(path.replace(/\/$/, ''));
  }
  return { paths, excluded };
}
