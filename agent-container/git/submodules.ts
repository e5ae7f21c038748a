import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git } from './git.ts';

/** A command may put anything in the place of `.gitmodules`. */
const SETTINGS_MS = 5_000;

/** The paths of the submodules in the output of `git ls-files -s -z`. */
export function submodulesIn(listed: Buffer): string[] {
  const lines = listed.toString('utf8').split('\0');
  return lines.flatMap((line) => /^160000 \S+ \d\t(.*)$/s.exec(line)?.[1] ?? []);
}

/** The paths that a `.gitmodules` names. `source`: the options of `git config` that say which. */
export async function namedSubmodules(own: Git, source: string[]): Promise<Set<string>> {
  const args = ['config', '-z', ...source, '--get-regexp', String.raw`^submodule\..*\.path$`];
  const { stdout } = await own.try(args, { time_limit_ms: SETTINGS_MS });
  const settings = stdout.toString('utf8').split('\0');
  return new Set(settings.map((setting) => setting.slice(setting.indexOf('\n') + 1)));
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
