import { lstatSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates a folder and its missing parents, for this user alone. Node's own `recursive` reports ENOENT on a read-only
 * disk, and never ends where the kernel makes the folders, as in /proc. This throws the system's error.
 */
export function makeFolder(path: string): void {
  if (tryToMake(path) === undefined) return;
  makeFolder(dirname(path));
  const missing = tryToMake(path);
  if (missing !== undefined) throw missing;
}

/** The system's error if its parent is missing, or the kernel says so. */
function tryToMake(path: string): Error | undefined {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'ENOENT' && dirname(path) !== path) return error;
    if (error.code !== 'EEXIST') throw error;
  }
  return undefined;
}

/** The folder itself, or its nearest parent that exists. A link that leads nowhere does: nothing can be made there. */
export function existingAbove(path: string): string {
  return lstatSync(path, { throwIfNoEntry: false }) ? path : existingAbove(dirname(path));
}
