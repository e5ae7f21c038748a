import Database from 'better-sqlite3';
import type { Db } from './database.ts';
import { openFault } from './storage-fault.ts';

/**
 * What is wrong with the structure of the database file at `path`, in SQLite's words; null: nothing. It reads the
 * whole file, about a second per few hundred megabytes, and writes nothing: the WAL stays as it is. Throws if the
 * file cannot be read.
 */
export function findDamage(path: string): string | null {
  const db = new Database(path, { readonly: true, fileMustExist: true });
  try {
    const found = String(db.pragma('quick_check(1)', { simple: true }));
    return found === 'ok' ? null : found.replace('*** in database main ***', '').replace(/\s+/g, ' ').trim();
  } catch (error) {
    if (error instanceof Error && openFault(error) === 'damaged') return error.message;
    throw error;
  } finally {
    db.close();
  }
}

/**
 * What is wrong with an open database, in words; null: nothing. It finds more than `findDamage`: also an index that
 * does not match its table, and a foreign key that refers to no row.
 */
export function findAnyDamage(db: Db): string | null {
  const found = String(db.pragma('integrity_check(1)', { simple: true }));
  return found === 'ok' ? findDanglingReference(db) : found;
}

/** A foreign key that refers to no row, in words; null: there is none. It looks up every foreign key of every row. */
export function findDanglingReference(db: Db): string | null {
  const row = db
    .prepare<[], { child: string; parent: string }>(
      'SELECT "table" AS child, parent FROM pragma_foreign_key_check LIMIT 1',
    )
    .get();
  return row ? `a row of ${row.child} refers to a row of ${row.parent} that does not exist` : null;
}
