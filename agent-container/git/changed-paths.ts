import { emptyTree } from './diff.ts';
import { splitNul, type Git } from './git.ts';

/**
 * The files of a commit that differ from those of each base, so that they are the work of the task: a file that is as
 * in one of them came from there. Without a base, all files. `options`: further ones of `git diff`.
 */
export async function changedPaths(
  own: Git,
  bases: string[],
  commit: string,
  options: string[] = [],
): Promise<string[]> {
  const names = ['--name-only', '-z', '--no-renames', '--no-ext-diff', '--no-textconv', '--diff-filter=d', ...options];
  const [first = [], ...others] = await Promise.all(
    (bases.length === 0 ? [await emptyTree(own)] : bases).map(async (base) =>
      splitNul(await own.run(['diff', ...names, base, commit])),
    ),
  );
  const sets = others.map((paths) => new Set(paths));
  return first.filter((path) => sets.every((paths) => paths.has(path)));
}
