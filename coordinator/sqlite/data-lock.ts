import { join } from 'node:path';
import Database from 'better-sqlite3';

/** Locks a data folder for this server, until it releases the lock or its process ends. Undefined: another has it. */
export function lockDataFolder(data_dir: string): { release: () => void } | undefined {
  return lock(join(data_dir, 'errand.lock'));
}

/** Locks the backups of a data folder, for a server or a command. Undefined: another process is making one. */
export function lockBackups(data_dir: string): { release: () => void } | undefined {
  return lock(join(data_dir, 'backup.lock'));
}

/** SQLite takes a kernel lock on a file of its own, so that other processes can still read and copy the database. */
function lock(path: string): { release: () => void } | undefined {
  const db = new Database(path, { timeout: 0 });
  try {
    // Nothing is committed to this file, so it needs no journal on the disk.
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN EXCLUSIVE');
    // SQLite opens a file that it may not write for reading, and then locks nothing. This write fails there.
    db.pragma('user_version = 1');
    return { release: () => void db.close() };
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY') return undefined;
    throw error;
  }
}
