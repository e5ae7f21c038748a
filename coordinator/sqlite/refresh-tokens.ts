import { sql, type Db } from './database.ts';

export type RefreshTokenRow = {
  /** SHA-256 of the token; the token itself is not kept. */
  hash: string;
  /** The log-in that it descends from. */
  family: string;
  user_id: string;
  created_at: string;
  expires_at: string;
  used_at: string | null;
  /** The token that it was exchanged for, sealed. */
  successor: string | null;
};

export function insertRefreshToken(db: Db, token: Omit<RefreshTokenRow, 'used_at' | 'successor'>): void {
  sql(
    db,
    `INSERT INTO refresh_tokens (hash, family, user_id, created_at, expires_at)
     VALUES (:hash, :family, :user_id, :created_at, :expires_at)`,
  ).run(token);
}

/** The token of this hash; undefined also where its user was removed. */
export function findRefreshToken(db: Db, hash: string): RefreshTokenRow | undefined {
  return sql<RefreshTokenRow>(
    db,
    'SELECT * FROM refresh_tokens WHERE hash = ? AND user_id NOT IN (SELECT id FROM removed)',
  ).get(hash);
}

/** The log-ins of a user. */
export function listFamilies(db: Db, user_id: string): string[] {
  return sql<{ family: string }>(db, 'SELECT DISTINCT family FROM refresh_tokens WHERE user_id = ?')
    .all(user_id)
    .map((row) => row.family);
}

/** Marks a token as exchanged. False: it had been already. */
export function markRefreshTokenUsed(db: Db, hash: string, used_at: string, successor: string): boolean {
  const { changes } = sql(
    db,
    'UPDATE refresh_tokens SET used_at = ?, successor = ? WHERE hash = ? AND used_at IS NULL',
  ).run(used_at, successor, hash);
  return changes === 1;
}

/** Whether the log-in is good still: it was not ended, its user was not removed, and it has a token that has not expired. */
export function familyLives(db: Db, family: string, user_id: string, now: string): boolean {
  const row = sql(
    db,
    `SELECT 1 FROM refresh_tokens WHERE family = ? AND user_id = ? AND expires_at > ?
     AND user_id NOT IN (SELECT id FROM removed) LIMIT 1`,
  ).get(family, user_id, now);
  return row !== undefined;
}

/** How many tokens the log-in has had that have not expired. */
export function countFamily(db: Db, family: string): number {
  const row = sql<{ n: number }>(db, 'SELECT count(*) AS n FROM refresh_tokens WHERE family = ?').get(family);
  return row?.n ?? 0;
}

/** Ends a log-in. */
export function deleteFamily(db: Db, family: string): void {
  sql(db, 'DELETE FROM refresh_tokens WHERE family = ?').run(family);
}

/** Ends the oldest log-ins of a user beyond the newest `keep`, and gives their families. */
export function deleteOldFamilies(db: Db, user_id: string, keep: number): string[] {
  return sql<{ family: string }>(
    db,
    `DELETE FROM refresh_tokens WHERE family IN
       (SELECT family FROM refresh_tokens WHERE user_id = ? GROUP BY family ORDER BY max(created_at) DESC LIMIT -1 OFFSET ?)
     RETURNING family`,
  )
    .all(user_id, keep)
    .map((row) => row.family);
}

/** Forgets tokens that have expired. */
export function pruneRefreshTokens(db: Db, now: string): void {
  sql(db, 'DELETE FROM refresh_tokens WHERE expires_at <= ?').run(now);
}
