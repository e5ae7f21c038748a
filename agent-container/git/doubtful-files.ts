import { basename, dirname } from 'node:path';
import { changedPaths } from './changed-paths.ts';
import { splitNul, type Git } from './git.ts';
import { nameOf } from './names-of.ts';
import { CACHE_FILES, CACHES, KEEPER, packagesOf } from './output-names.ts';

const TEXTS_MAX = 20;
const LISTED_BYTES_MAX = 64 << 20;
/** A virtual environment of Python may have any name. */
const OF_ENVIRONMENT = 'pyvenv.cfg';
/** Output where it is ignored; but who adds such a folder or file to a commit often means it. */
const OFTEN_MEANT = /^(?:\.yarn|coverage|vendor|.*\.log)$/;

/**
 * New folders and files of a commit that are seldom meant to be in one: what builds, tests and package managers write.
 * One text for each, always the same. A folder of such a name in which a base has files is a part of the project.
 */
export async function doubtfulFiles(own: Git, bases: string[], commit: string): Promise<string[]> {
  const added = await changedPaths(own, bases, commit, ['--diff-filter=A']);
  if (added.length === 0) return [];
  const options = { stdout_bytes_max: LISTED_BYTES_MAX };
  const all = splitNul((await own.try(['ls-tree', '-r', '-z', '--name-only', commit], options)).stdout);
  const { isOutput } = packagesOf(all);
  const environments = new Set(added.filter((path) => basename(path) === OF_ENVIRONMENT).map(dirname));
  const isDoubtful = (folder: string) =>
    environments.has(folder) ||
    folder.endsWith('.egg-info') ||
    (!OFTEN_MEANT.test(basename(folder)) && (CACHES.has(basename(folder)) || isOutput(folder)));
  const isDoubtfulFile = (name: string) => CACHE_FILES.test(name) && !OFTEN_MEANT.test(name);
  const is_new = new Set(added);
  const known = all.filter((path) => !is_new.has(path) && !KEEPER.test(basename(path)));
  const projects = new Set(known.flatMap(foldersOf));
  const texts = added.flatMap((path) => {
    const folder = foldersOf(path).find((each) => isDoubtful(each) && !projects.has(each));
    if (folder !== undefined) return [`${nameOf(folder)}/${environments.has(folder) ? ', a virtual environment' : ''}`];
    return isDoubtfulFile(basename(path)) ? [nameOf(path)] : [];
  });
  const first = [...new Set(texts)];
  return first.length > TEXTS_MAX ? [...first.slice(0, TEXTS_MAX), 'and more like these'] : first;
}

/** The folders that a file is in, the outermost first. */
function foldersOf(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, i) => names.slice(0, i + 1).join('/'));
}
