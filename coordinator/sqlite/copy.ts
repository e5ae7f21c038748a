import Database from 'better-sqlite3';
import { sql, type Db } from './database.ts';

/* What is done with a database file that no server has: a copy of one, on its way into a backup or out of it. */

const ALL_PAGES = 0x7fffffff;

/**
 * Copies a database that others may be writing meanwhile, by SQLite's online backup. It goes in one step: a single snapshot, which holds nobody
 * up. In several steps it would begin again at each commit of another process, and so never end on a busy server.
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const db = new Database(from, { readonly: true, fileMustExist: true, timeout: 5000 });
  try {
    await db.backup(to, { progress: () => ALL_PAGES });
  } finally {
    db.close();
  }
}

/** Opens a copy as one file, without a WAL beside it. */
export function openCopy(path: string): Db {
  const db = new Database(path, { fileMustExist: true });
  try {
    makeOneFile(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/**
 * Brings what is in the WAL into the database's file. Throws where that cannot be done: the last one to close a database does the same, but says
 * nothing where it could not.
 */
export function makeOneFile(db: Db): void {
  const mode = db.pragma('journal_mode = DELETE', { simple: true });
  if (mode !== 'delete') throw new Error(`the WAL of ${db.name} could not be brought into it`);
}

/** How many rows each table has; of `meta` it says nothing, since a copy is described there. */
export function countRows(db: Db): Record<string, number> {
  const tables = sql<{ name: string }>(
    db,
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'meta' ORDER BY name`,
  ).all();
  // The names are those of the migrations.
  const count = (name: string) => sql<{ n: number }>(db, `SELECT count(*) AS n FROM "${name}"`).get()?.n ?? 0;
  return Object.fromEntries(tables.map(({ name }) => [name, count(name)]));
}

/**
 * Makes a copy the beginning of another history: a new epoch, by which clients know that their cursors are void and workers' tokens are refused; no
 * log-ins, since tokens that were exchanged or ended since would be good again; no workspaces, since those on the disk are of another time.
 */
export function beginNewHistory(db: Db): void {
  sql(db, `UPDATE meta SET value = lower(hex(randomblob(8))) WHERE key IN ('epoch', 'history')`).run();
  sql(db, `DELETE FROM meta WHERE key = 'backup'`).run();
  sql(db, 'DELETE FROM refresh_tokens').run();
  sql(db, 'UPDATE tasks SET workspace = NULL WHERE workspace IS NOT NULL').run();
}
