import { sql, type Db } from './database.ts';

/** When a server with a clock that was not in doubt last had this database, as an ISO time; undefined: it was not noted yet. */
export function findSeenAt(db: Db): string | undefined {
  return sql<{ value: string }>(db, `SELECT value FROM meta WHERE key = 'seen_at'`).get()?.value;
}

export function putSeenAt(db: Db, at: string): void {
  sql(
    db,
    `INSERT INTO meta (key, value) VALUES ('seen_at', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value`,
  ).run(at);
}
