/*
 * A program for tests: it upgrades the database at the path of its first argument, as a server does. With the name of
 * a migration and a number n it kills itself in that migration, after n statements.
 */
import Database from 'better-sqlite3';
import { openDatabase } from '../../coordinator/sqlite/database.ts';
import { migrate } from '../../coordinator/sqlite/migrate.ts';
import { readMigrations } from '../../coordinator/sqlite/migrations.ts';

const [path = '', name, after] = process.argv.slice(2);

if (name === undefined) {
  process.stdout.write('upgrading\n');
  openDatabase(path).close();
} else {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  // So little that most of what the transaction wrote is in the WAL when it is cut off.
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
