import { basename, dirname } from 'node:path';
import { changedPaths } from './changed-paths.ts';
import { splitNul, type Git } from './git.ts';
import { nameOf } from './names-of.ts';
import { CACHE_FILES, CACHES, KEEPER, packagesOf } from './output-names.ts';

const TEXTS_MAX = 20;
const LISTED_BYTES_MAX = 64 << 20;
/** A virtual environment of Python may have any name. */
const OF_ENVIRONMENT = 'pyvenv.cfg';
/** Folders that are often added on purpose, with all that is in them: what others publish may have any name. */
const OFTEN_MEANT = new Set(['.yarn', 'coverage', 'vendor']);

/**
 * New folders and files of a commit that are seldom meant to be in one: what builds, tests and package managers write.
 * One text for each, always the same. A folder of such a name in which a base has files is a part of the project, also
 * where the commit replaces them all, or moves them.
 */
export async function doubtfulFiles(own: Git, bases: string[], commit: string): Promise<string[]> {
  const added = await changedPaths(own, bases, commit, ['--diff-filter=A', '--find-renames']);
  if (added.length === 0) return [];
  const [all = [], ...before] = await Promise.all([commit, ...bases].map((tree) => filesIn(own, tree)));
  const { isOutput } = packagesOf(all);
  const environments = new Set(added.filter((path) => basename(path) === OF_ENVIRONMENT).map(dirname));
  const isDoubtful = (folder: string) =>
    environments.has(folder) || folder.endsWith('.egg-info') || CACHES.has(basename(folder)) || isOutput(folder);
  const is_new = new Set(added);
  const known = [...all.filter((path) => !is_new.has(path)), ...before.flat()];
  const projects = new Set(known.filter((path) => !KEEPER.test(basename(path))).flatMap(foldersOf));
  const texts = added.flatMap((path) => {
    for (const folder of foldersOf(path)) {
      if (OFTEN_MEANT.has(basename(folder))) return [];
      if (isDoubtful(folder) && !projects.has(folder))
        return [`${nameOf(folder)}/${environments.has(folder) ? ', a virtual environment' : ''}`];
    }
    return CACHE_FILES.test(basename(path)) ? [nameOf(path)] : [];
  });
  const first = [...new Set(texts)];
  return first.length > TEXTS_MAX ? [...first.slice(0, TEXTS_MAX), 'and more like these'] : first;
}

async function filesIn(own: Git, tree: string): Promise<string[]> {
  const listed = await own.try(['ls-tree', '-r', '-z', '--name-only', tree], { stdout_bytes_max: LISTED_BYTES_MAX });
  return splitNul(listed.stdout);
}

/** The folders that a file is in, the outermost first. */
function foldersOf(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, i) => names.slice(0, i + 1).join('/'));
}
