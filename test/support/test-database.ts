import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Db } from '../../coordinator/sqlite/database.ts';
import { readMigrations } from '../../coordinator/sqlite/migrations.ts';
import { openDatabase } from '../../coordinator/sqlite/open-database.ts';

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/errand-databases', import.meta.url));
let empty: string | undefined;

/**
 * Opens the database at `path`, as `openDatabase` does. A new one is a copy of an empty one: all migrations take 80
 * ms of CPU time, and tests create thousands of databases.
 */
export function openTestDatabase(path: string): Db {
  if (existsSync(path)) return openDatabase(path);
  copyFileSync((empty ??= emptyDatabase()), path);
  const db = openDatabase(path);
  db.exec(`UPDATE meta SET value = lower(hex(randomblob(length(value) / 2)));
    UPDATE meta SET value = (SELECT value FROM meta WHERE key = 'instance') WHERE key = 'history';`);
  return db;
}

/** The path of an empty database with the newest schema. Other test processes use it too. */
function emptyDatabase(): string {
  const hash = createHash('sha256').update(JSON.stringify(readMigrations())).digest('hex');
  const path = join(CACHE, `${hash}.db`);
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  openDatabase(unfinished).close();
  renameSync(unfinished, path);
  return path;
}
