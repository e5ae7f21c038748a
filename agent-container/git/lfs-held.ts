import { join } from 'node:path';
import { replaceFile } from '../base/regular-file.ts';
import type { Git } from './git.ts';

/*
 * A person approves a commit by its diff, and the coordinator takes those objects of Git LFS that this diff names. So
 * it has to name each object of what is pushed.
 */

/**
 * Has diffs show these pointers, also where `.gitattributes` says that the files are binary, and before all else: a
 * long diff is cut at its end.
 */
export async function showPointers(own: Git, paths: string[]): Promise<void> {
  const attributes = paths.map((path) => `${JSON.stringify(`/${path.replace(/[\\*?[\]!#]/g, '\\$&')}`)} diff\n`);
  await replaceFile(join(own.git_dir, 'info/attributes'), attributes.join(''));
  // Each line is a pattern, which cannot have a line feed. `?` is any character.
  const order = paths.map((path) => `${path.replace(/[\\*?[\]#]/g, '\\$&').replaceAll('\n', '?')}\n`);
  const file = join(own.git_dir, 'info/order');
  await replaceFile(file, order.join(''));
  await own.run(['config', 'diff.orderFile', file]);
}

/**
 * Replaces the commits since `base` by one, since earlier ones may have objects that the last one no longer has. Merges
 * stay: what they bring is on the remote. Returns the new commit, or `commit` itself.
 */
export async function asOneCommit(
  own: Git,
  { base, commit, message }: { base: string | null; commit: string; message: string },
): Promise<string> {
  const range = base === null ? [commit] : [`${base}..${commit}`];
  const commits = (await own.run(['rev-list', '--parents', ...range])).split('\n');
  const has_merge = commits.some((line) => line.split(' ').length > 2);
  if (commits.length < 2 || has_merge) return commit;
  const parent = base === null ? [] : ['-p', base];
  return own.run(['commit-tree', `${commit}^{tree}`, ...parent, '-F', '-'], { input: message });
}
