import { join } from 'node:path';
import Database from 'better-sqlite3';

/** Makes this process the only server on a data folder, until it lets go or ends, in whatever way. Undefined: another server has it. */
export function lockDataFolder(data_dir: string): { release: () => void } | undefined {
  return lock(join(data_dir, 'errand.lock'));
}

/** Makes this process the only one that backs a data folder up, beside the server. Undefined: another one is at it. */
export function lockBackups(data_dir: string): { release: () => void } | undefined {
  return lock(join(data_dir, 'backup.lock'));
}

/** The lock is the kernel's, taken through SQLite on a file of its own, so that the database itself can still be read and copied by others. */
function lock(path: string): { release: () => void } | undefined {
  const db = new Database(path, { timeout: 0 });
  try {
    // Nothing is ever written to it: it needs no journal beside it.
    db.pragma('journal_mode = OFF');
    db.exec('BEGIN EXCLUSIVE');
    return { release: () => void db.close() };
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_BUSY') return undefined;
    throw error;
  }
}
