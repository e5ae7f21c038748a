import { numberOf, sql, type Db } from './database.ts';

export type LinkKind = 'login' | 'invite';

/** The code of a link that works once. `hash`: its SHA-256; the code itself is not stored. Times are ISO. */
export type LinkCodeRow = {
  id: string;
  kind: LinkKind;
  hash: string;
  /** Who is logged in, or who invites. */
  user_id: string;
  /** The log-in that made it; null: it was made on the server's machine. */
  session: string | null;
  created_at: string;
  expires_at: string;
};

export function insertLinkCode(db: Db, code: LinkCodeRow): void {
  sql(
    db,
    `INSERT INTO link_codes (id, kind, hash, user_id, session, created_at, expires_at)
     VALUES (:id, :kind, :hash, :user_id, :session, :created_at, :expires_at)`,
  ).run(code);
}

/** The code with this hash that has not expired. Undefined: there is none, or its account is being deleted. */
export function findLinkCode(db: Db, kind: LinkKind, hash: string, now: string): LinkCodeRow | undefined {
  return sql<LinkCodeRow>(
    db,
    `SELECT * FROM link_codes WHERE hash = ? AND kind = ? AND expires_at > ?
     AND user_id NOT IN (SELECT id FROM removed)`,
  ).get(hash, kind, now);
}

/** Deletes a code of a user. False: there is none. */
export function deleteLinkCode(db: Db, user_id: string, kind: LinkKind, id: string): boolean {
  return (
    sql(db, 'DELETE FROM link_codes WHERE user_id = ? AND kind = ? AND id = ?').run(user_id, kind, id).changes === 1
  );
}

/** Deletes the log-in codes of a user. */
export function deleteLoginCodesOf(db: Db, user_id: string): void {
  sql(db, `DELETE FROM link_codes WHERE user_id = ? AND kind = 'login'`).run(user_id);
}

/** Deletes all but the newest `keep` codes of one kind. */
export function deleteOldLinkCodes(db: Db, user_id: string, kind: LinkKind, keep: number): void {
  sql(
    db,
    `DELETE FROM link_codes WHERE id IN
       (SELECT id FROM link_codes WHERE user_id = ? AND kind = ? ORDER BY id DESC LIMIT -1 OFFSET ?)`,
  ).run(user_id, kind, keep);
}

export function countLinkCodes(db: Db, user_id: string, kind: LinkKind, now: string): number {
  const count = 'SELECT count(*) FROM link_codes WHERE user_id = ? AND kind = ? AND expires_at > ?';
  return numberOf(db, count, user_id, kind, now);
}

/** The codes of one kind of a user that have not expired, newest first. */
export function listLinkCodes(db: Db, user_id: string, kind: LinkKind, now: string): LinkCodeRow[] {
  return sql<LinkCodeRow>(
    db,
    'SELECT * FROM link_codes WHERE user_id = ? AND kind = ? AND expires_at > ? ORDER BY id DESC',
  ).all(user_id, kind, now);
}

/** Deletes expired codes. */
export function pruneLinkCodes(db: Db, now: string): void {
  sql(db, 'DELETE FROM link_codes WHERE expires_at <= ?').run(now);
}
