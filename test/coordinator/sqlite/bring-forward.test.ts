import { join } from 'node:path';
import test from 'ava';
import type { Db } from '../../../coordinator/sqlite/database.ts';
import { bringDeliveriesForward } from '../../../coordinator/sqlite/deliveries.ts';
import { bringWordsForward } from '../../../coordinator/sqlite/forge-words.ts';
import { bringNotificationsForward } from '../../../coordinator/sqlite/notifications.ts';
import { bringPullsForward } from '../../../coordinator/sqlite/pulls.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { openTestDatabase } from '../../support/test-database.ts';

type Column = { name: string; type: string; notnull: number; pk: number };

const NOW = '2026-01-01T00:00:00.000Z';
const LATEST = '2026-01-02T00:00:00.000Z';
const FAR = '2036-01-01T00:00:00.000Z';

/** Adds a row that is due then, with anything in its other columns. */
function insert(db: Db, table: string, due: string, at: string | null, n: number): void {
  const columns = db.prepare<[], Column>(`SELECT * FROM pragma_table_info('${table}')`).all();
  const needed = columns.filter(({ name, notnull, pk }) => name !== due && (notnull === 1 || pk > 0));
  const names = [due, ...needed.map(({ name }) => name)].join();
  const values = needed.map(({ type }) => (type === 'INTEGER' ? n : `${n}`));
  db.prepare(`INSERT INTO ${table} (${names}) VALUES (?${', ?'.repeat(needed.length)})`).run(at, ...values);
}

for (const [table, due, bring] of [
  ['notifications', 'next_at', bringNotificationsForward],
  ['forge_words', 'next_at', bringWordsForward],
  ['deliveries', 'next_at', bringDeliveriesForward],
  ['pulls', 'next_look_at', bringPullsForward],
] as const)
  test(`what is put off too far is due now, and nothing else: ${table}`, async (t) => {
    const db = openTestDatabase(join(await temporaryFolder(t), 'errand.db'));
    t.teardown(() => db.close());
    db.pragma('foreign_keys = OFF');
    db.pragma('ignore_check_constraints = ON');
    for (const [n, at] of [NOW, LATEST, FAR, null].entries()) insert(db, table, due, at, n + 1);
    t.is(bring(db, LATEST, NOW), 1);
    t.deepEqual(db.prepare(`SELECT ${due} FROM ${table} ORDER BY id`).pluck().all(), [NOW, LATEST, NOW, null]);
  });
