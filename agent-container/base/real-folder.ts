import { lstat, mkdir, rm } from 'node:fs/promises';

/**
 * Makes a folder, unless there is one. A command may have put something else in its place: a link, which is removed so
 * that nothing is written through it, or a file.
 */
export async function makeRealFolder(path: string): Promise<void> {
  const found = await lstat(path).catch(() => null);
  if (found !== null && !found.isDirectory()) await rm(path, { force: true });
  await mkdir(path, { recursive: true });
}
