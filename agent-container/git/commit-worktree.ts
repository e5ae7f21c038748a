import { copyFile, lstat, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LIMITS } from '../../protocol/limits.ts';
import type { DiffStat } from '../../protocol/task.ts';
import { lastWords, type Git } from './git.ts';

/** A new file above this is not committed: forges refuse such a push as a whole. */
const FILE_BYTES_MAX = 50 * 1024 * 1024;
const WIP_TRAILER = 'Errand: work in progress';

/** The message of a commit that holds work in progress; the task's next push replaces it. */
export function wipMessage(title: string): string {
  return `WIP: ${title}\n\n${WIP_TRAILER}`;
}

/** Whether a commit's message is one of those. */
export function isWip(message: string): boolean {
  return message.split('\n').includes(WIP_TRAILER);
}

export type Snapshot = {
  /** The commit that holds all there is: HEAD itself where nothing was changed since, null where there is nothing at all. */
  commit: string | null;
  tree: string;
  /** What was left out, in words, one for each path. */
  left_out: string[];
};

/**
 * Commits all that is in the folder, ignored files aside, on top of HEAD, and moves nothing: neither HEAD nor the index, so that it can be
 * done while the agent works with git itself. A cancel waits for this: there are as few commands as will do, side by side where they can be.
 */
export async function takeSnapshot(git: Git, message: string): Promise<Snapshot> {
  const git_dir = join(git.dir, '.git');
  const env = { GIT_INDEX_FILE: join(git_dir, 'errand-index') };
  const [{ paths, left_out }, head, merged] = await Promise.all([
    unfit(git),
    git.look('HEAD'),
    readFile(join(git_dir, 'MERGE_HEAD'), 'utf8').catch(() => ''),
    // An index that was never written is an empty one.
    rm(env.GIT_INDEX_FILE, { force: true })
      .then(() => copyFile(join(git_dir, 'index'), env.GIT_INDEX_FILE))
      .catch(() => {}),
  ]);
  const spec = ['.', ...paths.map((path) => `:(exclude,literal)${path}`)].join('\0');
  const options = { env, input: spec };
  const args = ['add', '-A', '--ignore-errors', '--pathspec-from-file=-', '--pathspec-file-nul'];
  const added = await git.try(args, options);
  if (added.code !== 0) left_out.push(lastWords(added.stderr));
  const tree = await git.run(['write-tree'], { env });
  if (tree === (head === null ? await emptyTree(git) : head.tree))
    return { commit: head?.commit ?? null, tree, left_out };
  const parents = [head?.commit ?? '', ...merged.split('\n')].filter((parent) => parent !== '');
  const commit = await git.run(['commit-tree', tree, ...parents.flatMap((parent) => ['-p', parent]), '-F', '-'], {
    input: message,
  });
  return { commit, tree, left_out };
}

/** Makes a snapshot the state of the branch: HEAD and the index move there, no file changes. */
export async function settleOn(git: Git, commit: string): Promise<void> {
  await git.run(['reset', '-q', commit]);
}

/** New files that no commit should hold: too large, or a repository within the repository. */
async function unfit(git: Git): Promise<{ paths: string[]; left_out: string[] }> {
  const listed = await git.run(['ls-files', '--others', '--exclude-standard', '-z']);
  const paths: string[] = [];
  const left_out: string[] = [];
  for (const path of listed.split('\0').filter((path) => path !== '')) {
    if (path.endsWith('/')) left_out.push(`${path} is a repository of its own`);
    else if (((await lstat(join(git.dir, path)).catch(() => null))?.size ?? 0) > FILE_BYTES_MAX)
      left_out.push(`${path} is above ${FILE_BYTES_MAX / 1024 / 1024} MiB`);
    else continue;
    paths.push(path.replace(/\/$/, ''));
  }
  return { paths, left_out };
}

const emptyTree = (git: Git) => git.run(['hash-object', '-t', 'tree', '-w', '--stdin']);

/** How many files and lines changed between two commits; a null base is a repository without any. */
export async function diffStat(git: Git, base: string | null, commit: string): Promise<DiffStat> {
  const out = await git.run(['diff', '--numstat', '--no-renames', ...PLAIN, base ?? (await emptyTree(git)), commit]);
  const lines = out.split('\n').filter((line) => line !== '');
  const sum = (field: 0 | 1) => lines.reduce((total, line) => total + (Number(line.split('\t')[field]) || 0), 0);
  return { files: lines.length, insertions: sum(0), deletions: sum(1) };
}

export type Diff = { diff: string; diff_truncated: boolean };

/** The unified diff between two commits, cut at a line where it is above its bound. */
export async function diff(git: Git, base: string | null, commit: string): Promise<Diff> {
  const max = LIMITS.diff_bytes_max;
  const args = ['diff', ...PLAIN, '--src-prefix=a/', '--dst-prefix=b/', base ?? (await emptyTree(git)), commit];
  const { stdout, truncated, code, stderr } = await git.try(args, { stdout_bytes_max: max });
  if (code !== 0) throw new Error(`The diff could not be made: ${lastWords(stderr)}`);
  // Bytes that are no text became marks of three bytes each.
  const text = stdout.toString('utf8');
  const fits = Buffer.byteLength(text) <= max;
  if (!truncated && fits) return { diff: text, diff_truncated: false };
  const within = fits ? text : text.slice(0, Math.floor(max / 3));
  return { diff: within.slice(0, within.lastIndexOf('\n') + 1), diff_truncated: true };
}

const PLAIN = ['--no-ext-diff', '--no-textconv', '--no-color'];
