import { lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Git } from './git.ts';
import { IGNORED_FOLDERS } from './own-repository.ts';

/** How many files and folders are looked at, all in all: each push waits for it. */
const LOOKED_AT_MAX = 20_000;
const TEXTS_MAX = 20;
/** The times of files come from a clock that may be one tick late. */
const CLOCK_TICK_MS = 20;

/** Caches and logs, which nobody misses in a commit. */
const CACHES = new Set([
  ...IGNORED_FOLDERS,
  '.bundle',
  '.cache',
  '.coverage',
  '.DS_Store',
  '.eslintcache',
  '.gradle',
  '.next',
  '.nuxt',
  '.nyc_output',
  '.parcel-cache',
  '.pnpm-store',
  '.terraform',
  '.turbo',
  '.yarn',
  'bower_components',
  'coverage',
  'venv',
]);
const CACHE_FILES = /\.(pyc|pyo|swp|log|tsbuildinfo|pid)$/;

/**
 * What is newer than `began_ms`, and which a commit of the working tree leaves out without a word: ignored files, and
 * files below a submodule. One text for each file or folder; and one where there are too many to look at all of them.
 */
export async function leftOut(own: Git, began_ms: number): Promise<string[]> {
  const [ignored, links] = await Promise.all([
    own.try(['ls-files', '-o', '-i', '--exclude-standard', '--directory', '-z'], { stdout_bytes_max: 4 << 20 }),
    own.try(['ls-files', '-s', '-z']),
  ]);
  const paths = split(ignored.stdout).filter((path) => !isCache(path));
  const submodules = split(links.stdout).flatMap((line) => /^160000 \S+ \d\t(.*)$/s.exec(line)?.[1] ?? []);
  const { counts, is_incomplete } = await countNew(own.dir, [...submodules, ...paths], began_ms);
  const found = new Map<string, number>();
  for (const path of paths) {
    // Single files of one folder are counted together.
    const name = path.endsWith('/') || paths.length <= TEXTS_MAX ? path : folderOf(path);
    found.set(name, (found.get(name) ?? 0) + (counts.get(path) ?? 0));
  }
  const texts = [
    ...[...found].flatMap(([path, count]) =>
      count === 0 ? [] : [`${path}${numbered(path, count)} is ignored by the repository's rules`],
    ),
    ...submodules.flatMap((path) => {
      const count = counts.get(path);
      if (count === undefined) return [];
      return [`${path}/${numbered(`${path}/`, count)} is a submodule, whose files are in a repository of their own`];
    }),
  ];
  const more = texts.splice(TEXTS_MAX).length;
  if (more > 0) texts.push(`${more} more files and folders`);
  if (is_incomplete || [ignored, links].some(({ code, truncated }) => code !== 0 || truncated))
    texts.push(PERHAPS_MORE);
  return texts;
}

const split = (bytes: Buffer) =>
  bytes
    .toString('utf8')
    .split('\0')
    .filter((part) => part !== '');

/** Always the same text: it is said once. */
const PERHAPS_MORE = `and perhaps more: of the ignored files and those of submodules, not more than ${LOOKED_AT_MAX} were looked at`;

/** A folder with the name of a cache that is ignored as a whole, or a file of a cache. */
function isCache(path: string): boolean {
  return path.endsWith('/') ? CACHES.has(basename(path)) : CACHES.has(basename(path)) || CACHE_FILES.test(path);
}

const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1) || path;

function numbered(path: string, count: number): string {
  if (!path.endsWith('/')) return '';
  return ` (${count} ${count === 1 ? 'file' : 'files'})`;
}

/**
 * How many files at or below each path were changed since then; paths without any are not named. The time of change
 * cannot be set back by a program. Where there is too much, what comes later and is deeper in the folders is not
 * looked at.
 */
async function countNew(
  dir: string,
  paths: string[],
  began_ms: number,
): Promise<{ counts: Map<string, number>; is_incomplete: boolean }> {
  const counts = new Map<string, number>();
  const waiting = paths.slice(0, LOOKED_AT_MAX).map((path) => ({ path, at: join(dir, path) }));
  let is_incomplete = paths.length > waiting.length;
  for (const { path, at } of waiting) {
    const stats = await lstat(at).catch(() => null);
    if (stats?.isDirectory()) {
      const names = (await readdir(at).catch(() => [])).filter((name) => name !== '.git' && !CACHES.has(name));
      const fitting = names.slice(0, LOOKED_AT_MAX - waiting.length);
      is_incomplete ||= fitting.length < names.length;
      for (const name of fitting) waiting.push({ path, at: join(at, name) });
    } else if (stats !== null && stats.ctimeMs > began_ms - CLOCK_TICK_MS)
      counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return { counts, is_incomplete };
}
