import { closeSync, fsyncSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { ConfigError } from '../base/config.ts';

export type Db = Database.Database;

/** How long a write waits for another process that holds the lock. The event loop stands still meanwhile. */
export const BUSY_MS = 5_000;
/** What is left of the WAL once all of it is in the database: a burst, or a reader that kept it from being emptied, makes it longer for a while. */
const WAL_BYTES_KEPT = 16 * 1024 * 1024;
const MIGRATIONS = new URL('./migrations/', import.meta.url);

/**
 * Opens the database at `path`, brings it to the newest schema, and sets it up for one writer: WAL, and `synchronous=FULL`, so that what
 * was committed survives a loss of power. Throws a `ConfigError` if the database is newer than this code; what else SQLite throws is put
 * into words by `openFault`.
 */
export function openDatabase(path: string): Db {
  const db = new Database(path, { timeout: BUSY_MS });
  try {
    db.pragma('journal_mode = WAL');
    // A WAL database opens with NORMAL in this driver; FULL costs little where commits are grouped.
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

/** The version of the newest schema that this code knows. */
export function newestVersion(): number {
  return migrationFiles().length;
}

/** The version of a database's schema: SQLite's `user_version`. 0: it is empty. */
export function versionOf(db: Db): number {
  return Number(db.pragma('user_version', { simple: true }));
}

function migrationFiles(): string[] {
  const files = readdirSync(MIGRATIONS).filter((name) => /^\d{4}-.*\.sql$/.test(name));
  return files.sort();
}

/** Runs the numbered migrations that the database has not seen, each in its own transaction, once a copy of it has been kept. */
function migrate(db: Db): void {
  const files = migrationFiles();
  const current = versionOf(db);
  if (current > 0 && current < files.length) keepCopy(db, files.length);
  if (current > files.length)
    throw new ConfigError(
      `The database ${db.name} is of version ${current}, and this Errand knows versions up to ${files.length}: a newer Errand has made it what it is. ` +
        'Run that one, or restore a backup from before the upgrade. Nothing was changed.',
    );
  for (const [index, name] of files.entries()) {
    const version = index + 1;
    if (Number(name.slice(0, 4)) !== version)
      throw new Error(`The migration ${name} should bear the number ${version}.`);
    if (version <= current) continue;
    db.transaction(() => {
      db.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'));
      db.pragma(`user_version = ${version}`);
    })();
  }
}

/** Keeps the database as it is, beside it, as `<its name>.before-<the version that it is about to have>`; older ones go. */
function keepCopy(db: Db, version: number): void {
  const [folder, name] = [dirname(db.name), basename(db.name)];
  const [unfinished, kept] = [`${name}.unfinished`, `${name}.before-${version}`];
  try {
    rmSync(join(folder, unfinished), { force: true });
    db.prepare('VACUUM INTO ?').run(join(folder, unfinished));
    // SQLite leaves it to the system when such a copy gets to the disk.
    const file = openSync(join(folder, unfinished), 'r+');
    fsyncSync(file);
    closeSync(file);
  } catch (error) {
    rmSync(join(folder, unfinished), { force: true });
    throw error;
  }
  renameSync(join(folder, unfinished), join(folder, kept));
  for (const other of readdirSync(folder))
    if (other.startsWith(`${name}.before-`) && other !== kept) rmSync(join(folder, other));
}

const prepared = new WeakMap<Db, Map<string, Database.Statement>>();

/** The statement of this text, prepared once for each database. */
export function sql<Row = unknown, Params extends unknown[] = unknown[]>(
  db: Db,
  text: string,
): Database.Statement<Params, Row> {
  let statements = prepared.get(db);
  if (!statements) prepared.set(db, (statements = new Map()));
  let statement = statements.get(text);
  if (!statement) statements.set(text, (statement = db.prepare(text)));
  // The rows' type is the word of the function that wrote the statement beside it.
  return statement as unknown as Database.Statement<Params, Row>;
}

/** A value of the `meta` table: `epoch`, `history` or `instance`. */
export function readMeta(db: Db, key: 'epoch' | 'history' | 'instance'): string {
  const row = sql<{ value: string }>(db, 'SELECT value FROM meta WHERE key = ?').get(key);
  if (!row) throw new Error(`The database has no ${key}.`);
  return row.value;
}

/** How much of the database holds something, in bytes. Its file is as large as that has ever been: what is freed is used again. */
export function usedBytes(db: Db): number {
  const read = (name: string) => Number(db.pragma(name, { simple: true }));
  return (read('page_count') - read('freelist_count')) * read('page_size');
}

/**
 * What is wrong with the structure of the database at `path`, in SQLite's words, or null. It reads the whole file, a second for a few hundred
 * megabytes, and writes nothing: what is in the WAL stays there.
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
 * What keeps a database from being used, where an error of SQLite says so: `full`, and it may go on once there is room; `busy`, another process
 * holds its lock; `failed`, and what is on disk is not known before the database is opened anew. Undefined: another error.
 */
export function storageFault(error: unknown): 'full' | 'busy' | 'failed' | undefined {
  if (!(error instanceof Database.SqliteError)) return undefined;
  // The shared memory beside a WAL cannot grow on a full disk either.
  if (/^SQLITE_(FULL|IOERR_SHM)/.test(error.code)) return 'full';
  if (error.code.startsWith('SQLITE_BUSY')) return 'busy';
  return /^SQLITE_(IOERR|CORRUPT|NOTADB|READONLY_)/.test(error.code) ? 'failed' : undefined;
}

/** The same for a database that could not be opened; `damaged`: the file is none of SQLite's, or not whole. */
export function openFault(error: unknown): 'full' | 'busy' | 'damaged' | 'failed' | undefined {
  if (!(error instanceof Database.SqliteError)) return undefined;
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) return 'damaged';
  return storageFault(error) ?? (error.code.startsWith('SQLITE_CANTOPEN') ? 'failed' : undefined);
}
