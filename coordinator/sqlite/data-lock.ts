import { join } from 'node:path';
import Database from 'better-sqlite3';

/**
 * Makes this process the only server on a data folder, until it lets go or ends, in whatever way: the lock is the kernel's, taken through
 * SQLite on a file of its own, so that the database itself can still be read and copied by others. Undefined: another server has it.
 */
export function lockDataFolder(data_dir: string): { release: () => void } | undefined {
  const db = new Database(join(data_dir, 'errand.lock'), { timeout: 0 });
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
