import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import Database from 'better-sqlite3';
import { startNewEpoch } from '../../../../coordinator/operations/backup/new-epoch.ts';
import { openDatabase } from '../../../../coordinator/sqlite/open-database.ts';
import { insertOpenRequest } from '../../../../coordinator/sqlite/open-requests.ts';
import { dataFolder, look } from '../../../support/backups.ts';

const TAKEN_AT = '2026-01-01T00:00:00.000Z';

test('everything is in the database file after a new epoch starts, or it fails', async (t) => {
  const data_dir = await dataFolder(t);
  const path = join(data_dir, 'errand.db');
  // A reader blocks the checkpoint of the WAL, as a full disk does. The last close would not report that.
  const reader = new Database(path, { readonly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM tasks').get();
  t.throws(() => startNewEpoch(path, TAKEN_AT), { message: /locked/ });
  reader.close();
  t.is(startNewEpoch(path, TAKEN_AT), 0);
  t.false(existsSync(`${path}-wal`));
});

test('open model requests are charged for their prompt, once', async (t) => {
  const data_dir = await dataFolder(t);
  const path = join(data_dir, 'errand.db');
  const db = openDatabase(path);
  const task = db.prepare('SELECT id FROM tasks').pluck().get() as string;
  insertOpenRequest(db, {
    task_id: task,
    attempt: 1,
    model: 'claude-test',
    input_tokens: 100,
    cache_write_tokens: 20,
    cache_read_tokens: 3,
    prompt_usd: 0.25,
    max_tokens: 32_000,
    output_usd: 2,
    at: TAKEN_AT,
  });
  db.close();
  t.is(startNewEpoch(path, TAKEN_AT), 1);
  look(data_dir, (value) => {
    t.is(value('SELECT count(*) FROM open_requests'), 0);
    t.is(value('SELECT cost_usd FROM tasks'), 0.25);
    t.is(value('SELECT requests FROM tasks'), 1);
    t.is(value('SELECT input_tokens FROM tasks'), 100);
    t.is(value('SELECT output_tokens FROM tasks'), 0);
    t.regex(
      String(value(`SELECT body FROM events WHERE type = 'usage.updated'`)),
      /"model":"claude-test".*"cost_usd":0.25/,
    );
  });
});
