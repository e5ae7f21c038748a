import { open } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { numberOf, sql, type Db } from './database.ts';
import { deleteAllLogIns } from './log-ins.ts';

/* Copies of a database, on their way into a backup or out of it. */

const ALL_PAGES = 0x7fffffff;
/** One step takes about a millisecond of the event loop. */
const STEP_PAGES = 200;

/**
 * Copies an open database that this process writes to, in steps between its writes. SQLite takes the writes of this
 * connection over into the copy. No step holds a lock after it has ended, so the WAL does not grow. Rejects once
 * `signal` has aborted.
 */
export async function copyInSteps(db: Db, to: string, signal: AbortSignal): Promise<void> {
  const file = await open(to, 'w');
  // A sync fails between two steps, where nobody waits for it. The controller keeps the first error.
  const sync_failed = new AbortController();
  const stop = AbortSignal.any([signal, sync_failed.signal]);
  let syncing: Promise<void> | undefined;
  const sync = async () => {
    await file.datasync().catch((error: unknown) => sync_failed.abort(error));
    syncing = undefined;
  };
  try {
    try {
      await db.backup(to, {
        progress: () => {
          stop.throwIfAborted();
          // The last step waits until all of the copy is on disk: this leaves it little to wait for.
          syncing ??= sync();
          return STEP_PAGES;
        },
      });
    } finally {
      await syncing;
    }
    stop.throwIfAborted();
  } finally {
    // Not before: closing a file of this process drops SQLite's lock on it.
    await file.close();
  }
}

/**
 * Copies a database that no server has open, by SQLite's online backup. All pages are copied in one step, from one
 * snapshot: in several steps the copy would start over at each commit of another process.
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const db = new Database(from, { readonly: true, fileMustExist: true, timeout: 5000 });
  try {
    await db.backup(to, { progress: () => ALL_PAGES });
  } finally {
    db.close();
  }
}

/** Opens a copy and turns it into a single file, without a WAL. */
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
 * Moves the content of the WAL into the database's file and removes the WAL. Throws if that fails; closing the database
 * does the same, but ignores a failure.
 */
export function makeOneFile(db: Db): void {
  const mode = db.pragma('journal_mode = DELETE', { simple: true });
  if (mode !== 'delete') throw new Error(`The WAL of ${db.name} could not be moved into it.`);
}

/** The number of rows of each table but `meta`, where a copy's manifest is stored. */
export function countRows(db: Db): Record<string, number> {
  const tables = sql<{ name: string }>(
    db,
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name <> 'meta' ORDER BY name`,
  ).all();
  // The names come from the migrations: they are safe in SQL.
  return Object.fromEntries(tables.map(({ name }) => [name, numberOf(db, `SELECT count(*) FROM "${name}"`)]));
}

/**
 * Turns a copy into the start of another history:
 * - a new epoch and history: clients drop their cursors, and tokens of workers are refused;
 * - no log-ins, API tokens and one-time links: those that were used or revoked after the copy was made would be valid
 *   again;
 * - no workspaces but those of the tasks `kept`: the others are not on the disk, or are from another time.
 */
export function beginNewHistory(db: Db, kept: readonly string[]): void {
  sql(db, `UPDATE meta SET value = lower(hex(randomblob(8))) WHERE key IN ('epoch', 'history')`).run();
  sql(db, `DELETE FROM meta WHERE key = 'backup'`).run();
  deleteAllLogIns(db);
  sql(
    db,
    'UPDATE tasks SET workspace = NULL WHERE workspace IS NOT NULL AND id NOT IN (SELECT value FROM json_each(?))',
  ).run(JSON.stringify(kept));
}
