import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import test, { type ExecutionContext } from 'ava';
import { ConfigError } from '../../../coordinator/base/config.ts';
import type { Db } from '../../../coordinator/sqlite/database.ts';
import { openDatabase } from '../../../coordinator/sqlite/open-database.ts';
import { searchQuery } from '../../../coordinator/sqlite/search.ts';
import { insertTaskRepository } from '../../../coordinator/sqlite/task-repositories.ts';
import { EventLog } from '../../../coordinator/sqlite/event-log.ts';
import { migrate } from '../../../coordinator/sqlite/migrate.ts';
import { newestVersion, readMigrations, versionOf, type Migration } from '../../../coordinator/sqlite/migrations.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { SILENT } from '../../support/silent.ts';
import { addTask, addUser, startAttempt } from '../../support/fixtures.ts';

const FIRST: Migration = {
  name: '0001-first.sql',
  sql: `
    CREATE TABLE tasks (id TEXT PRIMARY KEY, status TEXT NOT NULL CHECK (status IN ('queued', 'running'))) STRICT, WITHOUT ROWID;
    CREATE TABLE events (id INTEGER PRIMARY KEY, task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE) STRICT;
    CREATE TABLE notes (task_id TEXT REFERENCES tasks (id) ON DELETE SET NULL) STRICT;`,
};
const REBUILD: Migration = {
  name: '0002-rebuild.sql',
  sql: `
    CREATE TABLE tasks_new (id TEXT PRIMARY KEY, status TEXT NOT NULL) STRICT, WITHOUT ROWID;
    INSERT INTO tasks_new SELECT id, status FROM tasks;
    DROP TABLE tasks;
    ALTER TABLE tasks_new RENAME TO tasks;`,
};

/** A database of version 1 with a task, two events and a note, opened as the server opens it: with foreign keys on. */
async function openFirst(t: ExecutionContext): Promise<Db> {
  const db = new Database(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  db.pragma('foreign_keys = ON');
  migrate(db, [FIRST]);
  db.exec(
    `INSERT INTO tasks VALUES ('a', 'queued'); INSERT INTO events VALUES (1, 'a'), (2, 'a'); INSERT INTO notes VALUES ('a')`,
  );
  return db;
}

test('a migration that rebuilds a table keeps the rows that refer to it', async (t) => {
  const db = await openFirst(t);
  migrate(db, [FIRST, REBUILD]);
  t.deepEqual(db.prepare('SELECT * FROM tasks').all(), [{ id: 'a', status: 'queued' }]);
  t.deepEqual(db.prepare('SELECT * FROM events').all(), [
    { id: 1, task_id: 'a' },
    { id: 2, task_id: 'a' },
  ]);
  t.deepEqual(db.prepare('SELECT * FROM notes').all(), [{ task_id: 'a' }]);
});

test('foreign keys are off in a migration, and on again after it', async (t) => {
  const db = await openFirst(t);
  migrate(db, [FIRST, { name: '0002-note.sql', sql: 'CREATE TABLE seen AS SELECT * FROM pragma_foreign_keys' }]);
  t.deepEqual(db.prepare('SELECT * FROM seen').all(), [{ foreign_keys: 0 }]);
  t.is(db.pragma('foreign_keys', { simple: true }), 1);
});

test('a migration that leaves a dangling reference is rolled back, and the error says what to do', async (t) => {
  const db = await openFirst(t);
  const orphans = { name: '0003-orphans.sql', sql: 'DELETE FROM notes; DELETE FROM tasks' };
  const error = t.throws(() => migrate(db, [FIRST, REBUILD, orphans]), { instanceOf: ConfigError });
  t.is(
    error?.message,
    `The database ${db.name} cannot be upgraded to version 3: 0003-orphans.sql failed ` +
      `(a row of events refers to a row of tasks that does not exist). It is whole, and still of version 2.\n` +
      `Run the Errand that you had before. If it refuses the database as too new, restore the copy from before the upgrade with it: ` +
      `\`errand restore ${db.name}.before-3\`.`,
  );
  t.is(versionOf(db), 2);
  t.deepEqual(db.prepare('SELECT id FROM tasks').all(), [{ id: 'a' }]);
  t.is(db.pragma('foreign_keys', { simple: true }), 1);
  t.true(existsSync(`${db.name}.before-3`));
});

test('a migration whose SQL fails is rolled back', async (t) => {
  const db = await openFirst(t);
  const broken = { name: '0002-broken.sql', sql: 'DELETE FROM notes; SELECT missing FROM nowhere' };
  t.throws(() => migrate(db, [FIRST, broken]), {
    instanceOf: ConfigError,
    message: /0002-broken\.sql failed \(no such table: nowhere\)\. It is whole, and still of version 1\./,
  });
  t.is(versionOf(db), 1);
  t.is(db.prepare('SELECT count(*) FROM notes').pluck().get(), 1);
});

test("another process's lock is no failure of the migration", async (t) => {
  const db = await openFirst(t);
  db.pragma('busy_timeout = 0');
  const other = new Database(db.name);
  t.teardown(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  t.throws(() => migrate(db, [FIRST, REBUILD]), { instanceOf: Database.SqliteError, code: 'SQLITE_BUSY' });
  other.exec('ROLLBACK');
  migrate(db, [FIRST, REBUILD]);
  t.is(versionOf(db), 2);
});

test('a database that is newer than the code is refused, and left as it is', async (t) => {
  const db = await openFirst(t);
  migrate(db, [FIRST, REBUILD]);
  t.throws(() => migrate(db, [FIRST]), {
    instanceOf: ConfigError,
    message: /^A newer Errand upgraded .* to version 2; this Errand knows versions up to 1\. .* Nothing was changed\.$/,
  });
  t.is(versionOf(db), 2);
});

test('the migrations of this code bring an empty database to the newest version, in one list without gaps', async (t) => {
  const db = openDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  t.is(versionOf(db), newestVersion());
  const numbers = readMigrations().map(({ name }) => Number(name.slice(0, 4)));
  t.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
});

test('a task and an attempt take any status, and an attempt any runner', async (t) => {
  const db = openDatabase(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const log = new EventLog({ db, logger: SILENT });
  const { id } = addTask(log, addUser(log));
  startAttempt(log, id);
  db.exec(`UPDATE tasks SET status = 'paused'; UPDATE attempts SET status = 'paused', runner = 'elsewhere'`);
  t.deepEqual(db.prepare('SELECT status, runner FROM attempts').all(), [{ status: 'paused', runner: 'elsewhere' }]);
});

/** The tables or indices of a database, by name. */
const schemaOf = (db: Db, type: 'table' | 'index') =>
  db
    .prepare<[string], { name: string; sql: string }>(
      'SELECT name, sql FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL',
    )
    .all(type);

test('the rebuilt tables keep their columns, foreign keys and indices', async (t) => {
  const db = new Database(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const shapeOf = (table: string) => ({
    columns: (db.pragma(`table_info(${table})`) as { cid: number; name: string }[])
      .map(({ cid: _cid, ...column }) => column)
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    foreign_keys: db.pragma(`foreign_key_list(${table})`),
  });
  migrate(db, readMigrations().slice(0, 3));
  const tables = schemaOf(db, 'table').map(({ name }) => name);
  const [indices, shapes] = [schemaOf(db, 'index'), tables.map(shapeOf)];
  migrate(db, readMigrations().slice(0, 4));
  t.deepEqual(tables.map(shapeOf), shapes);
  const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
  t.deepEqual(schemaOf(db, 'index').sort(byName), indices.sort(byName));
});

const copiesOf = (db: Db): string[] =>
  readdirSync(dirname(db.name)).filter((name) => name.startsWith(`${basename(db.name)}.`));

/** The version of the copy from before an upgrade. */
function copiedVersion(db: Db, upgrade: number): number {
  const copy = new Database(`${db.name}.before-${upgrade}`, { readonly: true });
  try {
    return versionOf(copy);
  } finally {
    copy.close();
  }
}

test('before an upgrade the database is copied, and copies for earlier upgrades are removed', async (t) => {
  const db = await openFirst(t);
  t.deepEqual(copiesOf(db), [], 'an empty database needs no copy');
  writeFileSync(`${db.name}.before-1`, 'for an earlier upgrade');
  writeFileSync(`${db.name}.unfinished`, 'a crash left this');
  migrate(db, [FIRST, REBUILD]);
  t.deepEqual(copiesOf(db), ['errand.db.before-2']);
  t.is(statSync(`${db.name}.before-2`).mode & 0o777, 0o600);
  t.is(copiedVersion(db, 2), 1);
  rmSync(`${db.name}.before-2`);
  migrate(db, [FIRST, REBUILD]);
  t.deepEqual(copiesOf(db), [], 'without an upgrade nothing is copied');
});

test('an upgrade that goes on after a crash keeps the copy from before its first migration', async (t) => {
  const db = await openFirst(t);
  const crash = { name: '0003-crash.sql', sql: 'SELECT missing FROM nowhere' };
  t.throws(() => migrate(db, [FIRST, REBUILD, crash]));
  t.is(versionOf(db), 2);
  migrate(db, [FIRST, REBUILD, { name: '0003-note.sql', sql: `INSERT INTO notes VALUES (NULL)` }]);
  t.is(versionOf(db), 3);
  t.is(copiedVersion(db, 3), 1);
});

test('a copy that is unreadable, or of the version that is about to be upgraded, is written anew', async (t) => {
  const db = await openFirst(t);
  const fails = { name: '0002-fails.sql', sql: 'SELECT missing FROM nowhere' };
  for (const left of ['', 'no database, and long enough to be one'.repeat(200)]) {
    writeFileSync(`${db.name}.before-2`, left);
    t.throws(() => migrate(db, [FIRST, fails]));
    t.is(copiedVersion(db, 2), 1);
  }
  db.exec('DELETE FROM notes');
  migrate(db, [FIRST, REBUILD]);
  const copy = new Database(`${db.name}.before-2`, { readonly: true });
  t.teardown(() => copy.close());
  t.is(copy.prepare('SELECT count(*) FROM notes').pluck().get(), 0);
});

/** Inserts a task into a database of any version. Columns that are not given are blank. */
function insertOldTask(db: Db, given: Record<string, string | number>): void {
  const columns = db.prepare("SELECT name, type FROM pragma_table_info('tasks')").all() as {
    name: string;
    type: string;
  }[];
  const blank = Object.fromEntries(
    columns.map(({ name, type }) => [name, name.endsWith('_id') ? null : type === 'TEXT' ? '' : 0]),
  );
  const names = columns.map(({ name }) => `:${name}`).join(', ');
  db.prepare(`INSERT INTO tasks VALUES (${names})`).run({ ...blank, ...given });
}

test('what errands have cost before there were caps counts as spent in the month of their last change', async (t) => {
  const db = new Database(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const migrations = readMigrations();
  const at = migrations.findIndex(({ name }) => name.endsWith('-spending.sql'));
  migrate(db, migrations.slice(0, at));
  db.pragma('foreign_keys = OFF');
  for (const id of ['a', 'b'])
    db.prepare(`INSERT INTO users (id, email, password_hash, role, created_at) VALUES (?, ?, '', 'member', '')`).run(
      id,
      `${id}@b.cd`,
    );
  const tasks: [user_id: string, month: string, cost_usd: number][] = [
    ['a', '2026-10', 1],
    ['a', '2026-11', 2],
    ['a', '2026-11', 3],
    ['b', '2026-11', 4],
    ['b', '2026-12', 0],
  ];
  for (const [n, [user_id, month, cost_usd]] of tasks.entries())
    insertOldTask(db, { id: `t${n}`, user_id, cost_usd, status: 'queued', updated_at: `${month}-03T10:00:00.000Z` });
  migrate(db, migrations.slice(0, at + 1));
  t.deepEqual(db.prepare('SELECT user_id, month, cost_usd FROM spending').all(), [
    { user_id: 'a', month: '2026-10', cost_usd: 1 },
    { user_id: 'a', month: '2026-11', cost_usd: 5 },
    { user_id: 'b', month: '2026-11', cost_usd: 4 },
  ]);
});

test('errands from before are found by each of their repositories', async (t) => {
  const db = new Database(join(await temporaryFolder(t), 'errand.db'));
  t.teardown(() => db.close());
  const migrations = readMigrations();
  migrate(
    db,
    migrations.slice(
      0,
      migrations.findIndex(({ name }) => name.endsWith('-search-repositories.sql')),
    ),
  );
  const log = new EventLog({ db, logger: SILENT });
  const user_id = addUser(log);
  const several = 'several';
  for (const id of [several, 'other']) insertOldTask(db, { id, user_id, status: 'queued' });
  for (const [n, key] of ['shop', 'wiki'].entries())
    insertTaskRepository(db, {
      task_id: several,
      n: n + 1,
      key,
      repo_url: `https://forge.example/team/${key}`,
      project_id: null,
      base_branch: null,
      work_branch: null,
    });
  migrate(db);
  const found = (text: string) =>
    db
      .prepare(
        'SELECT task_id FROM searchable JOIN search ON search.rowid = searchable.id WHERE search MATCH ? ORDER BY id',
      )
      .pluck()
      .all(searchQuery(user_id, text) ?? '');
  t.deepEqual(found('wiki'), [several]);
  t.deepEqual(found('team shop'), [several]);
});
