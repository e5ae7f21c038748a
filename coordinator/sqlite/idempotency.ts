import { sql, type Db } from './database.ts';

/** What a request with an Idempotency-Key was answered. `response` is JSON text. */
export type RememberedRow = {
  user_id: string;
  key: string;
  request_hash: string;
  status: number;
  response: string;
  created_at: string;
};

/** What a user's request with this key was answered, if that was not before `since`. */
export function findRemembered(db: Db, user_id: string, key: string, since: string): RememberedRow | undefined {
  return sql<RememberedRow>(db, 'SELECT * FROM idempotency_keys WHERE user_id = ? AND key = ? AND created_at >= ?').get(
    user_id,
    key,
    since,
  );
}

export function insertRemembered(db: Db, row: RememberedRow): void {
  sql(
    db,
    `INSERT INTO idempotency_keys (user_id, key, request_hash, status, response, created_at)
     VALUES (:user_id, :key, :request_hash, :status, :response, :created_at)`,
  ).run(row);
}

/** Forgets of what a user sent all but the newest `keep`. */
export function pruneRememberedOf(db: Db, user_id: string, keep: number): void {
  sql(
    db,
    `DELETE FROM idempotency_keys WHERE user_id = :user_id AND created_at <= (
       SELECT created_at FROM idempotency_keys WHERE user_id = :user_id ORDER BY created_at DESC LIMIT 1 OFFSET :keep)`,
  ).run({ user_id, keep });
}

/** Forgets what was remembered before this time. */
export function pruneRemembered(db: Db, before: string): void {
  sql(db, 'DELETE FROM idempotency_keys WHERE created_at < ?').run(before);
}
