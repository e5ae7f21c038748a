import { ConfigError } from '../base/config.ts';
import type { Db } from './database.ts';
import { findDanglingReference } from './integrity.ts';
import { readMigrations, versionOf, type Migration } from './migrations.ts';
import { openFault } from './storage-fault.ts';
import { keepCopy } from './upgrade-copy.ts';

/**
 * Upgrades a database to the newest schema. Each migration runs in its own transaction: a crash leaves the database
 * whole, at the version before it, and the next start goes on from there. A database that is not empty is copied
 * first (`keepCopy`).
 *
 * Throws a `ConfigError` if the database is newer than this code, and if a migration fails, which rolls it back. A
 * disk failure, or another process's lock, is thrown as SQLite's error.
 */
export function migrate(db: Db, migrations: Migration[] = readMigrations()): void {
  const [current, newest] = [versionOf(db), migrations.length];
  if (current === newest) return;
  if (current > newest)
    throw new ConfigError(
      `A newer Errand upgraded the database ${db.name} to version ${current}; this Errand knows versions up to ${newest}. ` +
        'Run the newer Errand, or restore a backup from before the upgrade. Nothing was changed.',
    );
  if (current > 0) keepCopy(db, newest);
  // A migration that rebuilds a table drops the old one. With foreign keys on, that deletes every row that refers to it
  // (ON DELETE CASCADE). Inside a transaction SQLite ignores this pragma.
  db.pragma('foreign_keys = OFF');
  try {
    for (const [index, migration] of migrations.entries())
      if (index >= current) runMigration(db, migration, { version: index + 1, newest });
  } finally {
    db.pragma('foreign_keys = ON');
  }
}

function runMigration(db: Db, { name, sql }: Migration, to: { version: number; newest: number }): void {
  const run = db.transaction(() => {
    db.exec(sql);
    const dangling = findDanglingReference(db);
    if (dangling !== null) throw new Error(dangling);
    db.pragma(`user_version = ${to.version}`);
  });
  try {
    run.immediate();
  } catch (error) {
    if (openFault(error) !== undefined || !(error instanceof Error)) throw error;
    throw new ConfigError(
      `The database ${db.name} cannot be upgraded to version ${to.version}: ${name} failed (${error.message}). It is whole, and still of version ` +
        `${to.version - 1}.\nRun the Errand that you had before. If it refuses the database as too new, restore the copy from before the upgrade ` +
        `with it: \`errand restore ${db.name}.before-${to.newest}\`.`,
      { cause: error },
    );
  }
}
