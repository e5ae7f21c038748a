import Database from 'better-sqlite3';
import { migrate } from './migrate.ts';

/** An open database. Only this folder runs SQL on it; others pass it to the functions here. */
export type Db = Database.Database;

/** How long a write waits for another process that holds the database's lock. The event loop is blocked meanwhile. */
export const BUSY_MS = 5_000;
/** The WAL is cut to this size once its content is in the database. A burst or a long read makes it longer. */
const WAL_BYTES_KEPT = 16 * 1024 * 1024;

/**
 * Opens the database at `path` for one writer and upgrades it to the newest schema. It runs in WAL mode with
 * `synchronous=FULL`, so that a commit survives a power failure. Throws what `migrate` throws; `openFault` classifies
 * an error of SQLite.
 */
export function openDatabase(path: string): Db {
  const db = new Database(path, { timeout: BUSY_MS });
  try {
    db.pragma('journal_mode = WAL');
    // This driver opens a WAL database with NORMAL. FULL costs little, since commits are grouped.
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma(`journal_size_limit = ${WAL_BYTES_KEPT}`);
    if (db.pragma('synchronous', { simple: true }) !== 2) throw new Error('SQLite does not run with synchronous=FULL');
    migrate(db);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Sets how long a write waits for another process's lock; `openDatabase` sets `BUSY_MS`. 0: it fails at once. */
export function setBusyTimeout(db: Db, ms: number): void {
  db.pragma(`busy_timeout = ${ms}`);
}

const prepared = new WeakMap<Db, Map<string, Database.Statement>>();

/** The statement with this text, prepared once per database. The caller states the types of its rows and parameters. */
export function sql<Row = unknown, Params extends unknown[] = unknown[]>(
  db: Db,
  text: string,
): Database.Statement<Params, Row> {
  let statements = prepared.get(db);
  if (!statements) prepared.set(db, (statements = new Map()));
  let statement = statements.get(text);
  if (!statement) statements.set(text, (statement = db.prepare(text)));
  return statement as unknown as Database.Statement<Params, Row>;
}
