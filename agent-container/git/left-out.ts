import { lstat, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { Git } from './git.ts';
import { IGNORED_FOLDERS } from './own-repository.ts';

/** How many files of one folder are looked at. */
const FILES_MAX = 2_000;
const ENTRIES_MAX = 500;
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
 * files below a submodule. One text for each file or folder.
 */
export async function leftOut(own: Git, began_ms: number): Promise<string[]> {
  const [ignored, links] = await Promise.all([
    own.try(['ls-files', '-o', '-i', '--exclude-standard', '--directory', '-z'], { stdout_bytes_max: 4 << 20 }),
    own.try(['ls-files', '-s', '-z']),
  ]);
  const paths = split(ignored.stdout).filter((path) => !isCache(path));
  const submodules = split(links.stdout).flatMap((line) => /^160000 \S+ \d\t(.*)$/s.exec(line)?.[1] ?? []);
  const found = new Map<string, number>();
  for (const path of paths.slice(0, ENTRIES_MAX)) {
    const count = await countNew(join(own.dir, path), began_ms);
    // Single files of one folder are counted together.
    const name = path.endsWith('/') || paths.length <= TEXTS_MAX ? path : folderOf(path);
    if (count > 0) found.set(name, (found.get(name) ?? 0) + count);
  }
  const texts = [...found].map(
    ([path, count]) => `${path}${numbered(path, count)} is ignored by the repository's rules`,
  );
  for (const path of submodules.slice(0, ENTRIES_MAX)) {
    const count = await countNew(join(own.dir, path), began_ms);
    if (count > 0)
      texts.push(`${path}/${numbered(`${path}/`, count)} is a submodule, whose files are in a repository of their own`);
  }
  if (texts.length <= TEXTS_MAX) return texts;
  return [...texts.slice(0, TEXTS_MAX), `${texts.length - TEXTS_MAX} more files and folders`];
}

const split = (bytes: Buffer) =>
  bytes
    .toString('utf8')
    .split('\0')
    .filter((part) => part !== '');

/** A folder with the name of a cache that is ignored as a whole, or a file of a cache. */
function isCache(path: string): boolean {
  return path.endsWith('/') ? CACHES.has(basename(path)) : CACHES.has(basename(path)) || CACHE_FILES.test(path);
}

const folderOf = (path: string) => path.slice(0, path.lastIndexOf('/') + 1) || path;

function numbered(path: string, count: number): string {
  if (!path.endsWith('/')) return '';
  return ` (${count >= FILES_MAX ? `${FILES_MAX} or more` : count} ${count === 1 ? 'file' : 'files'})`;
}

/** How many files at or below a path were changed since then. The time of change cannot be set back by a program. */
async function countNew(path: string, began_ms: number): Promise<number> {
  const waiting = [path];
  let count = 0;
  for (let seen = 0; waiting.length > 0 && seen < FILES_MAX; seen++) {
    const next = waiting.pop() ?? '';
    const stats = await lstat(next).catch(() => null);
    if (stats?.isDirectory()) {
      const names = await readdir(next).catch(() => []);
      waiting.push(...names.filter((name) => name !== '.git' && !CACHES.has(name)).map((name) => join(next, name)));
    } else if (stats !== null && stats.ctimeMs > began_ms - CLOCK_TICK_MS) count++;
  }
  return count;
}
