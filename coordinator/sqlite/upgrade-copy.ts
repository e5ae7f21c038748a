import { closeSync, fsyncSync, openSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import type { Db } from './database.ts';
import { versionOf } from './migrations.ts';

/**
 * Copies the database before an upgrade to `version`, as `<its name>.before-<version>` beside it, so that its owner
 * can go back to the older Errand. Copies from before earlier upgrades are removed.
 */
export function keepCopy(db: Db, version: number): void {
  const [folder, name] = [dirname(db.name), basename(db.name)];
  const copy = `${name}.before-${version}`;
  const copied_version = versionOfCopy(join(folder, copy));
  // After a crash between two migrations of this upgrade there is a copy from before the first one. Keep it: the older
  // Errand refuses the version in between.
  if (copied_version === 0 || copied_version >= versionOf(db)) writeCopy(db, join(folder, copy));
  for (const other of readdirSync(folder))
    if (other.startsWith(`${name}.before-`) && other !== copy) rmSync(join(folder, other));
}

/** The version of a copy; 0: there is no copy, or it cannot be read. */
function versionOfCopy(path: string): number {
  try {
    const copy = new Database(path, { readonly: true, fileMustExist: true });
    try {
      return versionOf(copy);
    } finally {
      copy.close();
    }
  } catch {
    return 0;
  }
}

/** Writes the copy under another name first, so that `path` never holds part of one. */
function writeCopy(db: Db, path: string): void {
  const unfinished = `${db.name}.unfinished`;
  try {
    rmSync(unfinished, { force: true });
    // SQLite would let others read what it makes. An empty file is a new one to it.
    closeSync(openSync(unfinished, 'wx', 0o600));
    db.prepare('VACUUM INTO ?').run(unfinished);
    // SQLite does not sync the file that VACUUM INTO writes.
    const file = openSync(unfinished, 'r+');
    fsyncSync(file);
    closeSync(file);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
  renameSync(unfinished, path);
}
