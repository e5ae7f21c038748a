import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import type { Db } from '../../coordinator/sqlite/database.ts';
import { migrate } from '../../coordinator/sqlite/migrate.ts';
import { readMigrations } from '../../coordinator/sqlite/migrations.ts';

/* A large database with the schema of version 3, every column of every table filled: what an upgrade must keep. */

const OLD_VERSION = 3;
const [USERS, TASKS, EVENTS] = [5, 2_000, 100_000];
const TASK_STATUSES = ['queued', 'starting', 'running', 'waiting', 'succeeded', 'failed', 'cancelled'];
const ATTEMPT_STATUSES = ['starting', 'running', 'succeeded', 'failed', 'cancelled'];

type Row = Record<string, string | number>;
const user = (i: number) => `user-${i % USERS}`;
const task = (i: number) => `task-${i % TASKS}`;

/**
 * How many rows each table gets, and the columns that must have certain values: keys, references and those with a
 * CHECK.
 */
const TABLES: Record<string, [number, (i: number) => Row]> = {
  users: [USERS, (i) => ({ id: user(i), role: i === 0 ? 'owner' : 'member' })],
  refresh_tokens: [20, (i) => ({ user_id: user(i) })],
  login_failures: [10, () => ({})],
  known_addresses: [20, (i) => ({ user_id: user(i) })],
  projects: [50, (i) => ({ id: `project-${i}`, user_id: user(i) })],
  tasks: [
    TASKS,
    (i) => ({
      id: task(i),
      user_id: user(i),
      project_id: `project-${i % 50}`,
      prompt: `${i} `.repeat(300),
      status: TASK_STATUSES[i % 7] ?? '',
    }),
  ],
  attempts: [
    2 * TASKS,
    (i) => ({ task_id: task(i), n: 1 + Math.floor(i / TASKS), status: ATTEMPT_STATUSES[i % 5] ?? '' }),
  ],
  events: [EVENTS, (i) => ({ task_id: task(i), user_id: user(i), attempt: 1, seq: 1 + Math.floor(i / TASKS) })],
  messages: [3_000, (i) => ({ task_id: task(i) })],
  diffs: [TASKS, (i) => ({ task_id: task(i) })],
  idempotency_keys: [500, (i) => ({ user_id: user(i) })],
  open_requests: [100, (i) => ({ task_id: task(i) })],
  removed: [100, (i) => ({ id: task(i), kind: 'task' })],
};

/** Makes the database at `path`. */
export function makeOldDatabase(path: string): void {
  const db = new Database(path);
  migrate(db, readMigrations().slice(0, OLD_VERSION));
  db.transaction(() => {
    for (const [table, [count, fixed]] of Object.entries(TABLES)) fillTable(db, table, count, fixed);
    // Ids that the log has used and deleted: none of them may be used again.
    db.exec(`DELETE FROM events WHERE id > ${EVENTS}`);
  })();
  db.close();
}

type Column = { cid: number; name: string; type: string; notnull: number; pk: number };

/**
 * Every value depends on its table, column and row, so that a swapped one is found. Nullable columns are null in
 * every third row.
 */
function fillTable(db: Db, table: string, count: number, fixed: (i: number) => Row): void {
  const columns = db.pragma(`table_info(${table})`) as Column[];
  const valueOf = ({ cid, name, type, notnull, pk }: Column, i: number) => {
    if (notnull === 0 && pk === 0 && (i + cid) % 3 === 0) return null;
    if (type === 'TEXT') return `${table}.${name} of row ${i}`;
    return type === 'REAL' ? (100 * i + cid) / 8 : 100 * i + cid;
  };
  const insert = db.prepare(`INSERT INTO ${table} VALUES (${columns.map(() => '?').join(', ')})`);
  const rows = table === 'events' ? count + 10 : count;
  for (let i = 0; i < rows; i++) {
    const given: Row = fixed(i);
    if (table === 'events' || table === 'open_requests') given.id = i + 1;
    insert.run(columns.map((column) => given[column.name] ?? valueOf(column, i)));
  }
}

/** The tables of a database with their columns, and the number and hash of their rows. */
export type Contents = Record<string, { columns: string[]; rows: number; sha256: string }>;

/** What is in a database: all of its tables, or those of `before` with the columns that they had. */
export function contentsOf(db: Db, before?: Contents): Contents {
  const tables = before ? Object.keys(before) : [...Object.keys(TABLES), 'meta', 'sqlite_sequence'];
  return Object.fromEntries(
    tables.map((table) => {
      const info = db.pragma(`table_info(${table})`) as Column[];
      const columns = before?.[table]?.columns ?? info.map(({ name }) => name);
      const key = info.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
      const order = key.length > 0 ? key.map(({ name }) => name).join(', ') : '1';
      const hash = createHash('sha256');
      let rows = 0;
      const statement = db.prepare(`SELECT ${columns.join(', ')} FROM ${table} ORDER BY ${order}`).raw();
      for (const row of statement.iterate()) {
        hash.update(JSON.stringify(row));
        rows += 1;
      }
      return [table, { columns, rows, sha256: hash.digest('hex') }];
    }),
  );
}
