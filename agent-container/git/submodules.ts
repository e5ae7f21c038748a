import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { emptyTree } from './diff.ts';
import { splitNul, type Git } from './git.ts';
import { nameOf } from './names-of.ts';
import { tryOnIndex } from './own-repository.ts';

/** A command may put anything in the place of `.gitmodules`, or into a submodule. */
const READ_MS = 5_000;
/** How long all submodules may be looked at one by one, and how many at a time: a cancel waits for it. */
const ALL_MS = 30_000;
const AT_A_TIME = 8;

/** The paths of the submodules in the output of `git ls-files -s -z`. */
export function submodulesIn(listed: Buffer): string[] {
  return splitNul(listed).flatMap((line) => /^160000 \S+ \d\t(.*)$/s.exec(line)?.[1] ?? []);
}

/** The paths that a `.gitmodules` names. `source`: the options of `git config` that say which. */
export async function namedSubmodules(own: Git, source: string[]): Promise<Set<string>> {
  const args = ['config', '-z', ...source, '--get-regexp', String.raw`^submodule\..*\.path$`];
  const { stdout } = await own.try(args, { time_limit_ms: READ_MS });
  return new Set(splitNul(stdout).map((setting) => setting.slice(setting.indexOf('\n') + 1)));
}

/** The submodules that are checked out: those of the worker's index, and of `nested` those that `.gitmodules` names. */
export async function checkedOutSubmodules(own: Git, nested: string[]): Promise<string[]> {
  const { stdout } = await own.try(['ls-files', '-s', '-z'], { stdout_bytes_max: 64 << 20 });
  const tracked = submodulesIn(stdout);
  const found = await Promise.all(tracked.map((path) => lstat(join(own.dir, path, '.git')).catch(() => null)));
  const named = nested.length === 0 ? new Set() : await namedInFiles(own);
  return [...tracked.filter((_, i) => found[i] !== null), ...nested.filter((path) => named.has(path))];
}

async function namedInFiles(own: Git): Promise<Set<string>> {
  const file = join(own.dir, '.gitmodules');
  const is_file = (await lstat(file).catch(() => null))?.isFile() === true;
  return is_file ? namedSubmodules(own, ['--file', file]) : new Set();
}

/**
 * Adds the links of submodules. Returns what was left out, and why: one text for each. The model is told each text
 * once, so none has what may differ at the next push, such as an error of git.
 */
export async function addSubmodules(own: Git, paths: string[]): Promise<string[]> {
  if (paths.length === 0) return [];
  const added = await tryOnIndex(own, ['update-index', '-z', '--add', '--stdin'], { input: paths.join('\0') });
  if (added.code === 0) return [];
  // Git adds none of several where one has no commit.
  const heads = await headsOf(own, paths);
  const entries = heads.flatMap(({ path, id }) => (id === null ? [] : [`160000 ${id} 0\t${path}\0`]));
  const left_out = heads.flatMap(({ path, why }) => (why === null ? [] : [`${nameOf(path)}/ is a submodule ${why}`]));
  if (entries.length === 0) return left_out;
  const linked = await tryOnIndex(own, ['update-index', '-z', '--index-info'], { input: entries.join('') });
  return linked.code === 0 ? left_out : [...left_out, 'no submodule could be added'];
}

/** The commit that a submodule is at; else why there is none to link to. */
type Head = { path: string } & ({ id: string; why: null } | { id: null; why: string });

/** Also where git takes too long, which depends on the load. */
const UNREADABLE = 'that git cannot read';

async function headsOf(own: Git, paths: string[]): Promise<Head[]> {
  const { length } = await emptyTree(own);
  const ends_at = Date.now() + ALL_MS;
  const heads: Head[] = [];
  for (let i = 0; i < paths.length; i += AT_A_TIME) {
    const batch = paths.slice(i, i + AT_A_TIME);
    heads.push(...(await Promise.all(batch.map((path) => headOf(own, path, { id_chars: length, ends_at })))));
  }
  return heads;
}

async function headOf(
  own: Git,
  path: string,
  { id_chars, ends_at }: { id_chars: number; ends_at: number },
): Promise<Head> {
  const left_ms = ends_at - Date.now();
  if (left_ms <= 0) return { path, id: null, why: UNREADABLE };
  const env = { GIT_DIR: join(own.dir, path, '.git') };
  const time_limit_ms = Math.min(READ_MS, left_ms);
  const result = await own.try(['rev-parse', '--verify', '-q', 'HEAD'], { env, time_limit_ms });
  if (result.code === 1) return { path, id: null, why: 'without a commit' };
  if (result.code !== 0) return { path, id: null, why: UNREADABLE };
  const id = result.stdout.toString('utf8').trim();
  return id.length === id_chars ? { path, id, why: null } : { path, id: null, why: 'with another object format' };
}
