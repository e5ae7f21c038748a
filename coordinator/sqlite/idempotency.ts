import { sql, type Db } from './database.ts';

/** The stored response to a request with an Idempotency-Key. `response` is JSON text. */
export type StoredResponse = {
  user_id: string;
  key: string;
  request_hash: string;
  status: number;
  response: string;
  created_at: string;
};

/** The response that was sent to a user for this key. Undefined: none is stored, or it is older than `since`. */
export function findStoredResponse(db: Db, user_id: string, key: string, since: string): StoredResponse | undefined {
  return sql<StoredResponse>(
    db,
    'SELECT * FROM idempotency_keys WHERE user_id = ? AND key = ? AND created_at >= ?',
  ).get(user_id, key, since);
}

/** Stores a response. Throws SQLITE_CONSTRAINT_PRIMARYKEY if the user has one for this key. */
export function insertStoredResponse(db: Db, row: StoredResponse): void {
  sql(
    db,
    `INSERT INTO idempotency_keys (user_id, key, request_hash, status, response, created_at)
     VALUES (:user_id, :key, :request_hash, :status, :response, :created_at)`,
  ).run(row);
}

/** Deletes all but the newest `keep` responses of a user. */
export function pruneStoredResponsesOf(db: Db, user_id: string, keep: number): void {
  sql(
    db,
    `DELETE FROM idempotency_keys WHERE user_id = :user_id AND created_at <= (
       SELECT created_at FROM idempotency_keys WHERE user_id = :user_id ORDER BY created_at DESC LIMIT 1 OFFSET :keep)`,
  ).run({ user_id, keep });
}

/** Deletes the responses from before this time. */
export function pruneStoredResponses(db: Db, before: string): void {
  sql(db, 'DELETE FROM idempotency_keys WHERE created_at < ?').run(before);
}

/** Deletes the oldest responses of everybody whose responses take more than so many bytes together. */
export function pruneLargeResponses(db: Db, bytes_max: number): void {
  sql(
    db,
    `DELETE FROM idempotency_keys WHERE (user_id, key) IN (
       SELECT user_id, key FROM (
         SELECT user_id, key, sum(octet_length(response)) OVER (PARTITION BY user_id ORDER BY created_at DESC) AS bytes
         FROM idempotency_keys)
       WHERE bytes > ?)`,
  ).run(bytes_max);
}
