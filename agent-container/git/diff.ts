import { LIMITS } from '../../protocol/limits.ts';
import type { DiffStat } from '../../protocol/task.ts';
import { errorSummary, type Git } from './git.ts';

export type Diff = { diff: string; diff_truncated: boolean };

/** What the repository's own settings may not change in a diff: a file that was only renamed has no changed lines. */
const PLAIN = ['--no-ext-diff', '--no-textconv', '--no-color', '--find-renames'];
/** More lines than a file within the limits has: its whole is context. */
const LINES_MAX = 100_000_000;

/** How many files and lines changed between two commits. A null base is the empty tree. */
export async function diffStat(git: Git, base: string | null, commit: string): Promise<DiffStat> {
  const out = await git.run(['diff', '--numstat', ...PLAIN, base ?? (await emptyTree(git)), commit]);
  const lines = out.split('\n').filter((line) => line !== '');
  const sum = (field: 0 | 1) => lines.reduce((total, line) => total + (Number(line.split('\t')[field]) || 0), 0);
  return { files: lines.length, insertions: sum(0), deletions: sum(1) };
}

/**
 * The unified diff between two commits: with the whole of each changed file while that takes at most
 * `diff_context_bytes_max`, so that a reader can open the lines between; else with git's three lines around each
 * change, and cut at the end of a line if it is above its limit. A null base is the empty tree.
 */
export async function diff(git: Git, base: string | null, commit: string): Promise<Diff> {
  const from = base ?? (await emptyTree(git));
  const whole = await readDiff(git, [`--unified=${LINES_MAX}`, from, commit], LIMITS.diff_context_bytes_max);
  return whole.diff_truncated ? readDiff(git, ['--unified=3', from, commit], LIMITS.diff_bytes_max) : whole;
}

async function readDiff(git: Git, own: string[], bytes_max: number): Promise<Diff> {
  const args = ['diff', ...PLAIN, '--src-prefix=a/', '--dst-prefix=b/', ...own];
  const result = await git.try(args, { stdout_bytes_max: bytes_max });
  if (result.code !== 0) throw new Error(`The diff could not be made: ${errorSummary(result)}`);
  const { stdout, truncated } = result;
  // Decoding turns each invalid byte into a replacement character of three bytes.
  const text = stdout.toString('utf8');
  const fits = Buffer.byteLength(text) <= bytes_max;
  if (!truncated && fits) return { diff: text, diff_truncated: false };
  const cut = fits ? text : text.slice(0, Math.floor(bytes_max / 3));
  return { diff: cut.slice(0, cut.lastIndexOf('\n') + 1), diff_truncated: true };
}

/** Cuts a diff to `bytes_max` at the end of a line. */
export function cutDiff({ diff, diff_truncated }: Diff, bytes_max: number): Diff {
  const bytes = Buffer.from(diff);
  if (bytes.length <= bytes_max) return { diff, diff_truncated };
  const fitting = bytes.subarray(0, bytes_max);
  return { diff: fitting.subarray(0, fitting.lastIndexOf('\n') + 1).toString(), diff_truncated: true };
}

/** The id of the tree without files. */
export function emptyTree(git: Git): Promise<string> {
  return git.run(['hash-object', '-t', 'tree', '-w', '--stdin']);
}
