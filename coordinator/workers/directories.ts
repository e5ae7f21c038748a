import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';
import { errorCode } from '../base/error-code.ts';

/** The user and group that a directory belongs to. */
export type Owner = { uid: number; gid: number };

/** Makes a directory that only the server's user may enter. */
export function makeParent(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
}

/** Makes a directory with this mode, whatever the umask. Returns false if it existed. */
export function makeDirectory(dir: string, mode: number): boolean {
  const made = mkdirSync(dir, { recursive: true, mode }) !== undefined;
  if (made) chmodSync(dir, mode);
  return made;
}

/** Makes a directory that only its owner may enter. Returns false if it existed. */
export function makePrivate(dir: string, { uid, gid }: Owner): boolean {
  if (!makeDirectory(dir, 0o700)) return false;
  if (uid !== process.getuid?.()) chownSync(dir, uid, gid);
  return true;
}

/** The names in a directory; empty if it does not exist. */
export function listNames(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
