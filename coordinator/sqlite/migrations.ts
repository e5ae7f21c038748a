import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sourcePath } from '../base/source-path.ts';
import type { Db } from './database.ts';

/** One numbered `.sql` file: it brings the schema from the version before to the version of its number. */
export type Migration = { name: string; sql: string };

const FOLDER = sourcePath('coordinator/sqlite/migrations');

/** The migrations of this code, in the order in which they run: the first one has the number 1. */
export function readMigrations(): Migration[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name, index) => {
    const number = String(index + 1).padStart(4, '0');
    if (!name.startsWith(`${number}-`))
      throw new Error(`The name of the migration ${name} must start with ${number}-.`);
    return { name, sql: readFileSync(join(FOLDER, name), 'utf8') };
  });
}

/** The version of the newest schema that this code knows. */
export function newestVersion(): number {
  return readMigrations().length;
}

/** The version of a database's schema: SQLite's `user_version`. 0: it is empty. */
export function versionOf(db: Db): number {
  return Number(db.pragma('user_version', { simple: true }));
}
