import { cp, lstat, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { errorCode } from '../base/error-code.ts';

/**
 * Moves files and folders to a new folder whose name begins with `prefix`, and returns that folder. Null: there were
 * none.
 */
export async function moveAside(paths: string[], prefix: string): Promise<string | null> {
  const found: string[] = [];
  for (const path of paths) if (await lstat(path).catch(() => null)) found.push(path);
  if (found.length === 0) return null;
  await mkdir(dirname(prefix), { recursive: true });
  const folder = await mkdtemp(`${prefix}-`);
  for (const path of found) await move(path, join(folder, basename(path)));
  return folder;
}

async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (errorCode(error) !== 'EXDEV') throw error;
    await cp(from, to, { recursive: true, verbatimSymlinks: true });
    await rm(from, { recursive: true, force: true });
  }
}
