/*
 * A program for tests: it upgrades the database at the path in its first argument. With the name of a migration and a
 * number n it kills itself in that migration after n statements.
 */
import Database from 'better-sqlite3';
import { openDatabase } from '../../coordinator/sqlite/open-database.ts';
import { migrate } from '../../coordinator/sqlite/migrate.ts';
import { readMigrations } from '../../coordinator/sqlite/migrations.ts';

const [path = '', name, after] = process.argv.slice(2);

if (name === undefined) {
  process.stdout.write('upgrading\n');
  openDatabase(path).close();
} else {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  // A small cache, so that most of the transaction is in the WAL when the process is killed.
  db.pragma('cache_size = -200');
  db.function('kill', () => process.kill(process.pid, 'SIGKILL'));
  const killing = (sql: string): string => {
    const statements = sql.split(/(?<=;)\n/);
    return statements.toSpliced(Number(after), 0, 'SELECT kill();').join('\n');
  };
  migrate(
    db,
    readMigrations().map((migration) => (migration.name === name ? { name, sql: killing(migration.sql) } : migration)),
  );
}
