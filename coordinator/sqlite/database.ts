import type Database from 'better-sqlite3';

/** An open database. Only this folder runs SQL on it; others pass it to the functions here. */
export type Db = Database.Database;

/** How long a write waits for another process that holds the database's lock. The event loop is blocked meanwhile. */
export const BUSY_MS = 5_000;
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

/** The number that a statement of one row and one column gives; 0 where there is no row, or no number in it. */
export function numberOf(db: Db, text: string, ...params: unknown[]): number {
  return (
    sql<number | null>(db, text)
      .pluck()
      .get(...params) ?? 0
  );
}

/** How many rows this connection has changed so far. */
export function countChanges(db: Db): number {
  return numberOf(db, 'SELECT total_changes()');
}
