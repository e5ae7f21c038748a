import { accessSync, chmodSync, closeSync, constants, existsSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { checkInterruptedRestore } from './backup/replace-database.ts';
import { ConfigError } from '../base/config.ts';
import { makeFolder } from '../base/make-folder.ts';
import { readKeys, type Keys } from '../base/keys.ts';
import { dataPathFault } from '../workers/local/worker-directories.ts';
import { lockDataFolder } from '../sqlite/data-lock.ts';
import { endAllLogIns } from '../sqlite/log-ins.ts';
import { findDamage } from '../sqlite/integrity.ts';
import type { Db } from '../sqlite/database.ts';
import { folderFault, fullFault } from './folder-fault.ts';
import { openDatabase } from '../sqlite/open-database.ts';
import { openFault } from '../sqlite/storage-fault.ts';
import { errorCode } from '../base/error-code.ts';

/** A database up to this size is checked before the start (a second on a slow disk), a larger one in the background. */
const CHECKED_FIRST_BYTES_MAX = 256 * 1024 * 1024;

const OWN_FILES = /^(errand\.|keys\.json|backup)/;
const OWN_FOLDERS = ['attachments', 'packs', 'workers', 'workspaces', 'trash', 'sample.git', 'samples'];

/**
 * `new_keys`: the folder had a database but no keys, so all log-ins were ended and new keys made. `unchecked`: the last
 * shutdown was not clean, and the database is too large to be checked before the start.
 */
export type DataFolder = { keys: Keys; new_keys: boolean; db: Db; database_path: string; unchecked: boolean };

/** Another process, such as a running server, has locked the data folder. */
export class FolderInUse extends ConfigError {}

/**
 * Locks the data folder for this server and opens its contents; `opened` closes them again. Throws a `ConfigError` that
 * names the problem and the fix if the folder cannot be used. It never repairs or replaces anything that is damaged.
 *
 * SQLite itself detects an invalid header or a truncated file. The whole file is checked only after an unclean
 * shutdown: the disk may have lost writes, or the file may have been copied while it was being written.
 */
export function openDataFolder(dir: string, opened: AsyncDisposableStack): DataFolder {
  const fault = dataPathFault(dir);
  if (fault !== null) throw new ConfigError(fault);
  const database_path = join(dir, 'errand.db');
  try {
    requireWritable(dir, database_path);
    const lock = lockDataFolder(dir);
    if (!lock)
      throw new FolderInUse(
        `Another Errand is running on the data folder ${dir}. Stop it, or set ERRAND_DATA to another folder.`,
      );
    opened.defer(() => lock.release());
    closeToOthers(dir);
    const interrupted = checkInterruptedRestore(dir);
    if (interrupted !== null) throw new ConfigError(interrupted);
    const new_keys = lacksKeys(dir);
    // SQLite removes the WAL when the last connection closes: a WAL that is left means an unclean shutdown.
    const crashed = sizeOf(`${database_path}-wal`) > 0;
    const checked_first = sizeOf(database_path) <= CHECKED_FIRST_BYTES_MAX;
    // Checked before it is opened for writing, so that a damaged database stays unchanged.
    const damage = crashed && checked_first ? findDamage(database_path) : null;
    if (damage !== null) throw new ConfigError(damageMessage(database_path, damage));
    // SQLite gives the files beside a database the mode of the database.
    closeSync(openSync(database_path, 'a', 0o600));
    const db = openDatabase(database_path);
    opened.defer(() => void db.close());
    // Before the keys are made: a crash in between must not leave the log-ins.
    if (new_keys) endAllLogIns(db);
    const keys = readKeys(dir);
    return { keys, new_keys, db, database_path, unchecked: crashed && !checked_first };
  } catch (error) {
    throw explainOpenError(error, dir, database_path);
  }
}

/** Whether there is a database but no `keys.json`. An empty file is another fault: it ends the start, and no log-in. */
export function lacksKeys(dir: string): boolean {
  return sizeOf(join(dir, 'errand.db')) > 0 && !existsSync(join(dir, 'keys.json'));
}

/** The message for a damaged database. `damage`: SQLite's description. */
export function damageMessage(database_path: string, damage: string): string {
  return (
    `The database ${database_path} is damaged (${damage}). It was not changed.\n` +
    'Replace it with a backup: `errand restore`, or a copy of the whole data folder. Keep the damaged file: ' +
    '`sqlite3 errand.db .recover` can read the intact parts.'
  );
}

/** Creates the folder if needed. Throws the system's error if the folder or its database is not writable. */
function requireWritable(dir: string, database_path: string): void {
  makeFolder(dir);
  closeSync(openSync(join(dir, 'errand.lock'), 'a', 0o600));
  if (sizeOf(database_path) > 0) accessSync(database_path, constants.R_OK | constants.W_OK);
}

/**
 * Takes the data folder and the server's own files in it from other users of the machine, whatever modes they had. What
 * else somebody keeps there is left as it is, and so is a folder that belongs to another user.
 */
function closeToOthers(dir: string): void {
  chmodOwn(dir, 0o700);
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.isFile() && OWN_FILES.test(entry.name)) chmodOwn(join(dir, entry.name), 0o600);
    if (entry.isDirectory() && OWN_FOLDERS.includes(entry.name)) chmodOwn(join(dir, entry.name), 0o700);
  }
}

function chmodOwn(path: string, mode: number): void {
  try {
    chmodSync(path, mode);
  } catch (error) {
    if (errorCode(error) !== 'EPERM') throw error;
  }
}

/** 0 if there is no such file. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Turns an error of the file system or of SQLite into a `ConfigError` with the fix. Returns any other error unchanged.
 */
function explainOpenError(error: unknown, dir: string, database_path: string): unknown {
  const fault = folderFault(dir, error);
  if (fault !== undefined) return new ConfigError(fault, { cause: error });
  switch (openFault(error)) {
    case 'full':
      return new ConfigError(fullFault(dir), { cause: error });
    case 'busy':
      return new ConfigError(
        `Another process has locked the database ${database_path}: a backup, or a program that reads it. Start Errand again when it has ended.`,
        { cause: error },
      );
    case 'damaged':
      return new ConfigError(damageMessage(database_path, messageOf(error)), { cause: error });
    case 'failed':
      return new ConfigError(
        `The database ${database_path} cannot be read or written: ${messageOf(error)}.\nCheck the disk, the system log (dmesg) and the file's owner.`,
        { cause: error },
      );
    case undefined:
      return error;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}
