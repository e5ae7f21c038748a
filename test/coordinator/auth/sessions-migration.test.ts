import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import test from 'ava';
import { openDatabase } from '../../../coordinator/sqlite/open-database.ts';
import { listSessions } from '../../../coordinator/sqlite/refresh-tokens.ts';
import { newId } from '../../../protocol/ids.ts';
import { temporaryFolder } from '../../support/folder.ts';

const MIGRATIONS = new URL('../../../coordinator/sqlite/migrations/', import.meta.url);

test('log-ins from before the migration are listed with what is known', async (t) => {
  const path = join(await temporaryFolder(t), 'errand.db');
  const old = new Database(path);
  const files = readdirSync(MIGRATIONS).sort();
  const before = files.slice(
    0,
    files.findIndex((name) => name.endsWith('-sessions.sql')),
  );
  for (const name of before) old.exec(readFileSync(new URL(name, MIGRATIONS), 'utf8'));
  old.pragma(`user_version = ${before.length}`);
  const [user_id, family] = [newId(), newId()];
  old.prepare(`INSERT INTO users VALUES (?, 'a@example.org', '', 'owner', '2026-01-01', NULL)`).run(user_id);
  const insert = old.prepare(`INSERT INTO refresh_tokens VALUES (?, ?, ?, ?, '2026-06-01', ?, NULL)`);
  insert.run('hash 1', family, user_id, '2026-01-01', '2026-01-02');
  insert.run('hash 2', family, user_id, '2026-01-02', null);
  old.close();

  const db = openDatabase(path);
  t.teardown(() => db.close());
  t.deepEqual(listSessions(db, { user_id, before: undefined, now: '2026-01-03', limit: 10 }), [
    { id: family, created_at: '2026-01-01', last_used_at: '2026-01-02', user_agent: null, address: null, name: null },
  ]);
});
