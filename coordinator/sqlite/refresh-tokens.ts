import { numberOf, sql, type Db } from './database.ts';

/** A refresh token. It is exchanged once, for its successor. Times are ISO. */
export type RefreshTokenRow = {
  /** SHA-256 of the token; the token itself is not stored. */
  hash: string;
  /** The log-in that it belongs to. */
  family: string;
  user_id: string;
  /** When that log-in was made. */
  began_at: string;
  /** When the person proved who they are, if that was before: at the log-in that made the link of this one. */
  proven_at: string | null;
  /**
   * What the client that got this token called itself, and its IP address. Null: the token is older than these columns.
   */
  user_agent: string | null;
  address: string | null;
  /** What the person calls the device of the log-in. */
  name: string | null;
  created_at: string;
  expires_at: string;
  used_at: string | null;
  /** The token that it was exchanged for, encrypted. */
  successor: string | null;
};

/** A log-in as its user sees it. */
export type SessionRow = {
  id: string;
  created_at: string;
  last_used_at: string;
  user_agent: string | null;
  address: string | null;
  name: string | null;
};

/** Adds a token that was not exchanged yet. */
export function insertRefreshToken(db: Db, token: Omit<RefreshTokenRow, 'used_at' | 'successor'>): void {
  sql(
    db,
    `INSERT INTO refresh_tokens (hash, family, user_id, began_at, proven_at, user_agent, address, name, created_at, expires_at)
     VALUES (:hash, :family, :user_id, :began_at, :proven_at, :user_agent, :address, :name, :created_at, :expires_at)`,
  ).run(token);
}

/** The token with this hash. Undefined: there is none, or its user is being deleted. */
export function findRefreshToken(db: Db, hash: string): RefreshTokenRow | undefined {
  return sql<RefreshTokenRow>(
    db,
    'SELECT * FROM refresh_tokens WHERE hash = ? AND user_id NOT IN (SELECT id FROM removed)',
  ).get(hash);
}

/** The families (log-ins) of a user. */
export function listFamilies(db: Db, user_id: string): string[] {
  return sql<{ family: string }>(db, 'SELECT DISTINCT family FROM refresh_tokens WHERE user_id = ?')
    .all(user_id)
    .map((row) => row.family);
}

/**
 * The statement of `listSessions`; a test holds it to its index. Each log-in that has not ended has one token that
 * was not used.
 */
export const LIST_SESSIONS = `SELECT family AS id, began_at AS created_at, created_at AS last_used_at, user_agent, address, name
   FROM refresh_tokens INDEXED BY refresh_tokens_unused
   WHERE user_id = :user_id AND family < :before AND used_at IS NULL AND expires_at > :now ORDER BY family DESC LIMIT :limit`;

/** A user's log-ins that have not ended, newest first, older than `before`. */
export function listSessions(
  db: Db,
  page: { user_id: string; before: string | undefined; now: string; limit: number },
): SessionRow[] {
  return sql<SessionRow>(db, LIST_SESSIONS).all({ ...page, before: page.before ?? '~' });
}

/** Names the device of a log-in. False: the user has no such log-in, or it has ended. */
export function nameFamily(
  db: Db,
  login: { family: string; user_id: string; name: string | null; now: string },
): boolean {
  const { changes } = sql(
    db,
    'UPDATE refresh_tokens SET name = :name WHERE family = :family AND user_id = :user_id AND used_at IS NULL AND expires_at > :now',
  ).run(login);
  return changes === 1;
}

/** Marks a token as exchanged. False: it was exchanged before. */
export function markRefreshTokenUsed(db: Db, hash: string, used_at: string, successor: string): boolean {
  const { changes } = sql(
    db,
    'UPDATE refresh_tokens SET used_at = ?, successor = ? WHERE hash = ? AND used_at IS NULL',
  ).run(used_at, successor, hash);
  return changes === 1;
}

/** Whether a log-in is valid: not revoked, with a token that has not expired, of a user who is not being deleted. */
export function isFamilyValid(db: Db, family: string, user_id: string, now: string): boolean {
  const row = sql(
    db,
    `SELECT 1 FROM refresh_tokens WHERE family = ? AND user_id = ? AND expires_at > ?
     AND user_id NOT IN (SELECT id FROM removed) LIMIT 1`,
  ).get(family, user_id, now);
  return row !== undefined;
}

/** How many tokens of a log-in are stored: used ones too, until they expire and are pruned. */
export function countFamily(db: Db, family: string): number {
  return numberOf(db, 'SELECT count(*) FROM refresh_tokens WHERE family = ?', family);
}

/** Revokes a log-in. */
export function deleteFamily(db: Db, family: string): void {
  sql(db, 'DELETE FROM refresh_tokens WHERE family = ?').run(family);
}

/** Revokes all but the newest `keep` log-ins of a user, and returns the families of those it revoked. */
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

/** Deletes expired tokens. */
export function pruneRefreshTokens(db: Db, now: string): void {
  sql(db, 'DELETE FROM refresh_tokens WHERE expires_at <= ?').run(now);
}

/** When the person of a log-in last proved who they are, ISO. Undefined: it has ended. */
export function findProof(db: Db, family: string): string | undefined {
  return sql<string>(db, 'SELECT coalesce(proven_at, began_at) FROM refresh_tokens WHERE family = ? LIMIT 1')
    .pluck()
    .get(family);
}
