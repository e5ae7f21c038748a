import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Creates a folder and its missing parents, for this user alone. Node's own `recursive` reports ENOENT on a read-only
 * disk, and never ends where the kernel makes the folders, as in /proc. This throws the system's error.
 */
export function makeFolder(path: string): void {
  if (tryToMake(path)) return;
  makeFolder(dirname(path));
  if (!tryToMake(path)) throw new Error(`The folder ${path} was removed while it was made.`);
}

/** False: its parent is missing. */
function tryToMake(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' && dirname(path) !== path) return false;
    if (code !== 'EEXIST') throw error;
  }
  return true;
}
