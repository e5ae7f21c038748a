import Database from 'better-sqlite3';

/**
 * What keeps an open database from being used, if an error of SQLite tells:
 * - `full`: the disk is full. It can go on once there is room.
 * - `busy`: another process holds the database's lock.
 * - `failed`: the disk failed. What is on it is unknown until the database is opened again.
 *
 * Undefined: another error.
 */
export function storageFault(error: unknown): 'full' | 'busy' | 'failed' | undefined {
  if (!(error instanceof Database.SqliteError)) return undefined;
  // A full disk also shows as a shared memory file (beside the WAL) that cannot grow.
  if (/^SQLITE_(FULL|IOERR_SHM)/.test(error.code)) return 'full';
  if (error.code.startsWith('SQLITE_BUSY')) return 'busy';
  return /^SQLITE_(IOERR|CORRUPT|NOTADB|READONLY_)/.test(error.code) ? 'failed' : undefined;
}

/** The same while a database is opened. `damaged`: the file is not a database, or parts of it are wrong or missing. */
export function openFault(error: unknown): 'full' | 'busy' | 'damaged' | 'failed' | undefined {
  if (!(error instanceof Database.SqliteError)) return undefined;
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) return 'damaged';
  return storageFault(error) ?? (error.code.startsWith('SQLITE_CANTOPEN') ? 'failed' : undefined);
}
