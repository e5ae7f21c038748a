import { sql, type Db } from './database.ts';

/** How often log-ins failed for a key, an account or an address, and until when they are refused. Times are ISO. */
export type FailuresRow = { key: string; failures: number; blocked_until: string; last_at: string };

/** Undefined: no log-in failed lately for this key. */
export function findFailures(db: Db, key: string): FailuresRow | undefined {
  return sql<FailuresRow>(db, 'SELECT * FROM login_failures WHERE key = ?').get(key);
}

/** Stores the failures of a key in place of its earlier ones. */
export function putFailures(db: Db, row: FailuresRow): void {
  sql(
    db,
    `INSERT INTO login_failures (key, failures, blocked_until, last_at) VALUES (:key, :failures, :blocked_until, :last_at)
     ON CONFLICT (key) DO UPDATE SET failures = excluded.failures, blocked_until = excluded.blocked_until, last_at = excluded.last_at`,
  ).run(row);
}

/** Deletes the failures of one key. */
export function deleteFailures(db: Db, key: string): void {
  sql(db, 'DELETE FROM login_failures WHERE key = ?').run(key);
}

/** Deletes the failures of an account from all addresses: the keys that end in its e-mail address. */
export function deleteFailuresFor(db: Db, email: string): void {
  sql(db, `DELETE FROM login_failures WHERE substr(key, -length(:email) - 1) IN (':' || :email, ' ' || :email)`).run({
    email,
  });
}

/** Deletes the rows older than `before`, and the oldest ones beyond `keep` rows. */
export function pruneFailures(db: Db, before: string, keep: number): void {
  sql(db, 'DELETE FROM login_failures WHERE last_at < ?').run(before);
  sql(
    db,
    'DELETE FROM login_failures WHERE key IN (SELECT key FROM login_failures ORDER BY last_at DESC LIMIT -1 OFFSET ?)',
  ).run(keep);
}

/** Whether this account has logged in from this address. */
export function isKnownAddress(db: Db, user_id: string, address: string): boolean {
  return sql(db, 'SELECT 1 FROM known_addresses WHERE user_id = ? AND address = ?').get(user_id, address) !== undefined;
}

/** Stores a log-in from an address, and deletes all but the newest `keep` addresses of the account. */
export function putKnownAddress(db: Db, user_id: string, address: string, at: string, keep: number): void {
  sql(
    db,
    `INSERT INTO known_addresses (user_id, address, last_at) VALUES (?, ?, ?)
     ON CONFLICT (user_id, address) DO UPDATE SET last_at = excluded.last_at`,
  ).run(user_id, address, at);
  sql(
    db,
    `DELETE FROM known_addresses WHERE user_id = :user_id AND address IN
       (SELECT address FROM known_addresses WHERE user_id = :user_id ORDER BY last_at DESC LIMIT -1 OFFSET :keep)`,
  ).run({ user_id, keep });
}
