import { chmodSync, chownSync, mkdirSync, readdirSync } from 'node:fs';

/** The user and group that a directory belongs to. */
export type Owner = { uid: number; gid: number };

/** Makes a directory that only this server's user may enter. */
export function makeParent(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
}

/** Makes a directory of this mode, whatever the umask. False: it was there. */
export function makeDirectory(dir: string, mode: number): boolean {
  const made = mkdirSync(dir, { recursive: true, mode }) !== undefined;
  if (made) chmodSync(dir, mode);
  return made;
}

/** Makes a directory that its owner alone may enter. False: it was there. */
export function makePrivate(dir: string, { uid, gid }: Owner): boolean {
  if (!makeDirectory(dir, 0o700)) return false;
  if (uid !== process.getuid?.()) chownSync(dir, uid, gid);
  return true;
}

/** The names in a directory; none where it does not exist. */
export function listNames(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw error;
  }
}

/** Whether an error of the system has this code. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
