import Database from 'better-sqlite3';
import { sql, type Db } from './database.ts';

/* Copies of a database for backups. No server has a copy open. */

const ALL_PAGES = 0x7fffffff;

/**
 * Copies a database that other processes may be writing, with SQLite's online backup. It copies all pages in one step,
 * from one snapshot, and blocks nobody. In several steps it would restart at each commit, and might never end.
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const db = new Database(from, { readonly: true, fileMustExist: true, timeout: 5000 });
  try {
    await db.backup(to, { progress: () => ALL_PAGES });
  } finally {
    db.close();
  }
}

/** Opens a copy as a single file without a WAL. */
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
 * Moves the WAL into the database's file. Throws if that fails: the last `close` of a database does the same, but
 * reports no failure.
 */
export function makeOneFile(db: Db): void {
  const mode = db.pragma('journal_mode = DELETE', { simple: true });
  if (mode !== 'delete') throw new Error(`the WAL of ${db.name} could not be checkpointed`);
}

/** The first damage found: a page, an index, or a row whose parent is missing. Null: the database is intact. */
export function damageOf(db: Db): string | null {
  const found = String(db.pragma('integrity_check(1)', { simple: true }));
  if (found !== 'ok') return found;
  const [orphan] = db.pragma('foreign_key_check') as { table: string; parent: string }[];
  return orphan ? `a row of ${orphan.table} refers to one of ${orphan.parent} that is not there` : null;
}

/** The number of rows of each table but `meta`, which holds the manifest of a copy. */
export function countRows(db: Db): Record<string, number> {
  const tables = sql<{ name: string }>(
    db,
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'meta' ORDER BY name`,
  ).all();
  // The names are those of the migrations.
  const count = (name: string) => sql<{ n: number }>(db, `SELECT count(*) AS n FROM "${name}"`).get()?.n ?? 0;
  return Object.fromEntries(tables.map(({ name }) => [name, count(name)]));
}

/** The newest id in the log. Newer ones may have been given out and deleted. 0: the log is empty. */
export function newestStoredEventId(db: Db): number {
  return sql<{ id: number | null }>(db, 'SELECT max(id) AS id FROM events').get()?.id ?? 0;
}

/** Writes the manifest (JSON) into a copy. */
export function writeManifest(db: Db, manifest: string): void {
  sql(
    db,
    `INSERT INTO meta (key, value) VALUES ('backup', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
  ).run(manifest);
}

/** The manifest (JSON) of a copy. Undefined: it has none. */
export function readManifest(db: Db): string | undefined {
  return sql<{ value: string }>(db, `SELECT value FROM meta WHERE key = 'backup'`).get()?.value;
}

/**
 * Gives a copy a new epoch: clients then drop their cursors, and the tokens of older workers are refused. Ends all
 * log-ins, as refresh tokens that were used or revoked since would be valid again. Forgets all workspaces: those on the
 * disk do not belong to it.
 */
export function replaceEpoch(db: Db): void {
  sql(db, `UPDATE meta SET value = lower(hex(randomblob(8))) WHERE key IN ('epoch', 'history')`).run();
  sql(db, `DELETE FROM meta WHERE key = 'backup'`).run();
  sql(db, 'DELETE FROM refresh_tokens').run();
  sql(db, 'UPDATE tasks SET workspace = NULL WHERE workspace IS NOT NULL').run();
}
