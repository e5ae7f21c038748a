import { lstat, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isTemporary } from '../base/temporary-name.ts';
import { splitNul, trackedIn, type Git } from './git.ts';
import { nameOf } from './names-of.ts';
import { CACHE_FILES, CACHES, KEEPER, packagesOf, type Packages } from './output-names.ts';
import { submodulesIn } from './submodules.ts';

/** How many files and folders are looked at, all in all: each push waits for it. */
const LOOKED_AT_MAX = 20_000;
const TEXTS_MAX = 20;
/** The times of files come from a clock that may be one tick late. */
const CLOCK_TICK_MS = 20;

/**
 * What is newer than `began_ms`, and which a commit of the working tree leaves out without a word. `texts`: ignored
 * files, and files below a submodule. One text for each file or folder; and one where there are too many to look at all
 * of them. A text does not change with the number of files: it is said once, and each run of the tests may add one.
 * `outputs`: the same for folders that nobody misses, if their names say what they are and no source is in them.
 */
export async function leftOut(own: Git, began_ms: number): Promise<{ texts: string[]; outputs: string[] }> {
  const [ignored, links] = await Promise.all([
    own.try(['ls-files', '-o', '-i', '--exclude-standard', '--directory', '-z'], { stdout_bytes_max: 4 << 20 }),
    own.try(['ls-files', '-s', '-z']),
  ]);
  const all = outermost(splitNul(ignored.stdout));
  const tracked = trackedIn(links.stdout);
  const packages = packagesOf(tracked);
  const kept = all.filter((path) => !isCache(path, packages));
  const outputs = await outputsIn(own.dir, kept, { tracked, packages, began_ms });
  const paths = kept.filter((path) => !outputs.has(path));
  const submodules = submodulesIn(links.stdout);
  const { changed, is_incomplete } = await findNew(own.dir, [...submodules, ...paths], began_ms);
  const ignored_new = paths.filter((path) => changed.has(path));
  // Of many single files only their folders are named.
  const names = paths.length <= TEXTS_MAX ? ignored_new : ignored_new.map(folderOf);
  const texts = [
    ...[...new Set(names)].map((name) => `${nameOf(name)} is ignored by the repository's rules`),
    ...submodules
      .filter((path) => changed.has(path))
      .map((path) => `${nameOf(path)}/ is a submodule, whose files are in a repository of their own`),
  ];
  if (texts.splice(TEXTS_MAX).length > 0) texts.push('and more files and folders');
  if (is_incomplete || [ignored, links].some(({ code, truncated }) => code !== 0 || truncated))
    texts.push(PERHAPS_MORE);
  return { texts, outputs: await newOutputs(own.dir, outputs, began_ms) };
}

/** The folders themselves are looked at, not what is in them: it may be much. */
async function newOutputs(dir: string, outputs: Set<string>, began_ms: number): Promise<string[]> {
  const folders = [...new Set([...outputs].map(folderOf))].slice(0, TEXTS_MAX);
  const stats = await Promise.all(folders.map((folder) => lstat(join(dir, folder)).catch(() => null)));
  return folders
    .filter((_, i) => (stats[i]?.ctimeMs ?? 0) > began_ms - CLOCK_TICK_MS)
    .map(
      (name) =>
        `${nameOf(name)} is ignored by the repository's rules, and not committed: its name is one of build outputs`,
    );
}

/** Without what is below a folder that is listed itself, as git lists one in which all files are ignored. */
function outermost(paths: string[]): string[] {
  const folders = new Set(paths.filter((path) => path.endsWith('/')));
  return paths.filter((path) => {
    const names = path.split('/').slice(0, path.endsWith('/') ? -2 : -1);
    return !names.some((_, i) => folders.has(`${names.slice(0, i + 1).join('/')}/`));
  });
}

/** Always the same text: it is said once. */
const PERHAPS_MORE = `and perhaps more: of the ignored files and those of submodules, not more than ${LOOKED_AT_MAX} were looked at`;

/** A folder with the name of a cache that is ignored as a whole, a file of a cache, a log, or a half-written file. */
function isCache(path: string, { isOfData }: Packages): boolean {
  const name = basename(path);
  if (CACHES.has(name)) return true;
  // Among files of data it may be one that the tests read.
  const isLog = () => name.endsWith('.log') && !isOfData(dirname(path));
  return !path.endsWith('/') && (CACHE_FILES.test(name) || isTemporary(name) || isLog());
}

type Around = { tracked: string[]; packages: Packages; began_ms: number };

/**
 * Of ignored paths the folders of outputs, and what is directly in one where nothing is tracked. Where the name is not
 * enough to say so, new source in it says that it is none.
 */
async function outputsIn(dir: string, ignored: string[], around: Around): Promise<Set<string>> {
  const { tracked, packages, began_ms } = around;
  const { isOutput, isPerhapsOutput, isSourceIn } = packages;
  const isOnlyKept = (folder: string) =>
    !tracked.some((path) => path.startsWith(`${folder}/`) && !KEEPER.test(basename(path)));
  const parents = [...new Set(ignored.map(dirname))];
  /** The paths that are such a folder, or are in one, each with the folder. */
  const below = (isIt: (folder: string) => boolean) => {
    const of_outputs = new Set(parents.filter((parent) => isIt(parent) && isOnlyKept(parent)));
    return new Map(
      ignored.flatMap((path) => {
        if (of_outputs.has(dirname(path))) return [[path, dirname(path)]];
        return path.endsWith('/') && isIt(path) ? [[path, path]] : [];
      }),
    );
  };
  const outputs = below((folder) => isOutput(folder) || folder.endsWith('.egg-info/'));
  const perhaps = below(isPerhapsOutput);
  const unclear = [...perhaps.keys()].filter((path) => !outputs.has(path));
  const isSource = (path: string, file: string) => isSourceIn(perhaps.get(path) ?? path, file);
  const { changed } = await findNew(dir, unclear, began_ms, isSource);
  return new Set([...outputs.keys(), ...unclear.filter((path) => !changed.has(path))]);
}

const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1) || path;

/**
 * The paths at or below which a file that counts was changed since then. The time of change cannot be set back by a
 * program. Where there is too much, what comes later and is deeper in the folders is not looked at.
 */
async function findNew(
  dir: string,
  paths: string[],
  began_ms: number,
  counts: (path: string, file: string) => boolean = () => true,
): Promise<{ changed: Set<string>; is_incomplete: boolean }> {
  const changed = new Set<string>();
  const waiting = paths.slice(0, LOOKED_AT_MAX).map((path) => ({ path, at: join(dir, path) }));
  let is_incomplete = paths.length > waiting.length;
  for (const { path, at } of waiting) {
    if (changed.has(path)) continue;
    const stats = await lstat(at).catch(() => null);
    if (stats?.isDirectory()) {
      const names = (await readdir(at).catch(() => [])).filter((name) => name !== '.git' && !CACHES.has(name));
      const fitting = names.slice(0, LOOKED_AT_MAX - waiting.length);
      is_incomplete ||= fitting.length < names.length;
      for (const name of fitting) waiting.push({ path, at: join(at, name) });
    } else if (stats !== null && stats.ctimeMs > began_ms - CLOCK_TICK_MS && counts(path, at)) changed.add(path);
  }
  return { changed, is_incomplete };
}
