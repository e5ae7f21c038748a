import { accessSync, closeSync, constants, mkdirSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { checkInterruptedRestore } from './backup/replace-database.ts';
import { ConfigError } from '../base/config.ts';
import { readKeys, type Keys } from '../base/keys.ts';
import { dataPathFault } from '../workers/local/worker-directories.ts';
import { lockDataFolder } from '../sqlite/data-lock.ts';
import { findDamage } from '../sqlite/integrity.ts';
import { openDatabase, type Db } from '../sqlite/database.ts';
import { openFault } from '../sqlite/storage-fault.ts';

/** A database up to this size is checked before anything is served: a second on a slow disk. A larger one is checked beside the server. */
const CHECKED_FIRST_BYTES_MAX = 256 * 1024 * 1024;

/**
 * `new_keys`: the folder had a database and no keys, and so new ones were made. `unchecked`: the database may have been left by a crash, and is too
 * large to be checked before the start.
 */
export type DataFolder = { keys: Keys; new_keys: boolean; db: Db; database_path: string; unchecked: boolean };

/**
 * Takes the data folder for this server alone, and opens what is in it; what was opened is put into `opened`. Throws a `ConfigError` that says
 * what is wrong, and what to do about it, where the folder cannot be used. Nothing that is damaged is ever mended or replaced here.
 *
 * SQLite itself finds a header that is none, and a file that is too short. The structure of the whole file is looked at only where the last
 * server did not end in order: that is when a disk may have broken its word, or when a file was copied while it was being written.
 */
export function openDataFolder(dir: string, opened: AsyncDisposableStack): DataFolder {
  const fault = dataPathFault(dir);
  if (fault !== null) throw new ConfigError(fault);
  const database_path = join(dir, 'errand.db');
  try {
    requireWritable(dir, database_path);
    const lock = lockDataFolder(dir);
    if (!lock)
      throw new ConfigError(
        `Another Errand is running on the data folder ${dir}. Stop it, or set ERRAND_DATA to another folder.`,
      );
    opened.defer(() => lock.release());
    const interrupted = checkInterruptedRestore(dir);
    if (interrupted !== null) throw new ConfigError(interrupted);
    const new_keys = sizeOf(database_path) > 0 && sizeOf(join(dir, 'keys.json')) === 0;
    const keys = readKeys(dir);
    // SQLite removes the WAL when the last process closes the database: where there is one, that process did not get to it.
    const crashed = sizeOf(`${database_path}-wal`) > 0;
    const checked_first = sizeOf(database_path) <= CHECKED_FIRST_BYTES_MAX;
    // Before it is opened to be written: a damaged one is left as it is.
    const damage = crashed && checked_first ? findDamage(database_path) : null;
    if (damage !== null) throw new ConfigError(wordsForDamage(database_path, damage));
    const db = openDatabase(database_path);
    opened.defer(() => void db.close());
    return { keys, new_keys, db, database_path, unchecked: crashed && !checked_first };
  } catch (error) {
    throw inWords(error, dir, database_path);
  }
}

/** What is said of a damaged database. `damage`: what was found, in SQLite's words. */
export function wordsForDamage(database_path: string, damage: string): string {
  return (
    `The database ${database_path} is damaged (${damage}). It was not changed.\n` +
    'Put a backup in its place: `errand restore`, or a copy of the whole data folder. Keep the damaged file: what is whole in it can be read ' +
    'with `sqlite3 errand.db .recover`.'
  );
}

/** Makes the folder where it is not there. Throws the system's error where it, or the database in it, may not be written. */
function requireWritable(dir: string, database_path: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  closeSync(openSync(join(dir, 'errand.lock'), 'a', 0o600));
  if (sizeOf(database_path) > 0) accessSync(database_path, constants.R_OK | constants.W_OK);
}

/** 0: it is not there. */
function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

function inWords(error: unknown, dir: string, database_path: string): unknown {
  const full = `The disk of the data folder ${dir} is full: make room on it, and start Errand again.`;
  if (error instanceof Error && 'syscall' in error && 'code' in error)
    return new ConfigError(
      error.code === 'ENOSPC' || error.code === 'EDQUOT'
        ? full
        : `Errand cannot use its data folder ${dir}: ${error.message}.\nGive the folder, and all that is in it, to the user that Errand runs as, or set ERRAND_DATA to another.`,
      { cause: error },
    );
  switch (openFault(error)) {
    case 'full':
      return new ConfigError(full, { cause: error });
    case 'busy':
      return new ConfigError(
        `Another process holds the database ${database_path}: a backup, or a program that looks into it. Start Errand again once that has ended.`,
        { cause: error },
      );
    case 'damaged':
      return new ConfigError(wordsForDamage(database_path, wordsOf(error)), { cause: error });
    case 'failed':
      return new ConfigError(
        `The database ${database_path} cannot be read or written: ${wordsOf(error)}.\nLook at the disk and at the system's log (dmesg), and at whom the file belongs to.`,
        { cause: error },
      );
    case undefined:
      return error;
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown';
}
