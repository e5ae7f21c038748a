import { numberOf, sql, type Db } from './database.ts';

/** A token for scripts. `scopes` is a JSON array. Times are ISO. */
export type ApiTokenRow = {
  id: string;
  user_id: string;
  /** SHA-256 of the token; the token itself is not stored. */
  hash: string;
  name: string;
  scopes: string;
  created_at: string;
  expires_at: string;
  last_used_at: string | null;
};

const LIVING = 'expires_at > :now AND user_id NOT IN (SELECT id FROM removed)';

export function insertApiToken(db: Db, token: Omit<ApiTokenRow, 'last_used_at'>): void {
  sql(
    db,
    `INSERT INTO api_tokens (id, user_id, hash, name, scopes, created_at, expires_at)
     VALUES (:id, :user_id, :hash, :name, :scopes, :created_at, :expires_at)`,
  ).run(token);
}

/** The token with this hash, if it has not expired and its user is not being deleted. */
export function findApiToken(db: Db, hash: string, now: string): ApiTokenRow | undefined {
  return sql<ApiTokenRow>(db, `SELECT * FROM api_tokens WHERE hash = :hash AND ${LIVING}`).get({ hash, now });
}

/** Whether the user has this token, and it has not expired. */
export function isApiTokenValid(db: Db, id: string, user_id: string, now: string): boolean {
  const token = sql(db, `SELECT 1 FROM api_tokens WHERE id = :id AND user_id = :user_id AND ${LIVING}`);
  return token.get({ id, user_id, now }) !== undefined;
}

/** A user's tokens that have not expired, newest first, older than `before`. */
export function listApiTokens(
  db: Db,
  page: { user_id: string; before: string | undefined; now: string; limit: number },
): ApiTokenRow[] {
  return sql<ApiTokenRow>(
    db,
    `SELECT * FROM api_tokens WHERE user_id = :user_id AND id < :before AND ${LIVING} ORDER BY id DESC LIMIT :limit`,
  ).all({ ...page, before: page.before ?? '~' });
}

/** How many tokens of a user have not expired. */
export function countApiTokens(db: Db, user_id: string, now: string): number {
  return numberOf(db, 'SELECT count(*) FROM api_tokens WHERE user_id = ? AND expires_at > ?', user_id, now);
}

export function putApiTokenUse(db: Db, id: string, at: string): void {
  sql(db, 'UPDATE api_tokens SET last_used_at = ? WHERE id = ?').run(at, id);
}

/** Deletes one token of a user, or all of them. Returns the ids of those that it deleted. */
export function deleteApiTokens(db: Db, user_id: string, id?: string): string[] {
  return sql<{ id: string }>(db, 'DELETE FROM api_tokens WHERE user_id = ? AND id = coalesce(?, id) RETURNING id')
    .all(user_id, id ?? null)
    .map((row) => row.id);
}

export function pruneApiTokens(db: Db, now: string): void {
  sql(db, 'DELETE FROM api_tokens WHERE expires_at <= ?').run(now);
}
