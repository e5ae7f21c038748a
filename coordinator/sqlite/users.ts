import { sql, type Db } from './database.ts';

/** The hash of an account without a password: its person signs in elsewhere. No password has it. */
export const NO_PASSWORD = '!';

/** An account. `password_hash` is empty while the account is being deleted. */
export type UserRow = {
  id: string;
  email: string;
  password_hash: string;
  role: 'owner' | 'member';
  created_at: string;
  /** Since when the owner has blocked it; null: is not. */
  blocked_at: string | null;
};

/** Adds an account. Throws SQLITE_CONSTRAINT_UNIQUE if the e-mail is taken: check first, in the same transaction. */
export function insertUser(db: Db, user: Omit<UserRow, 'blocked_at'>): void {
  sql(
    db,
    'INSERT INTO users (id, email, password_hash, role, created_at) VALUES (:id, :email, :password_hash, :role, :created_at)',
  ).run(user);
}

/** The account, also while it is being deleted. Undefined: there is none. */
export function findUser(db: Db, id: string): UserRow | undefined {
  return sql<UserRow>(db, 'SELECT * FROM users WHERE id = ?').get(id);
}

/** The account with this e-mail address. `email` must be trimmed and in lower case, as it is stored. */
export function findUserByEmail(db: Db, email: string): UserRow | undefined {
  return sql<UserRow>(db, 'SELECT * FROM users WHERE email = ?').get(email);
}

/** The owner of the server. Undefined: nobody has signed up. */
export function findOwner(db: Db): UserRow | undefined {
  return sql<UserRow>(db, `SELECT * FROM users WHERE role = 'owner' ORDER BY id LIMIT 1`).get();
}

/**
 * Stores the hash of a new password, if `old_hash` is still the stored one. False: it is not, or there is no such
 * account.
 */
export function updatePassword(db: Db, id: string, old_hash: string, new_hash: string): boolean {
  const { changes } = sql(db, 'UPDATE users SET password_hash = ? WHERE id = ? AND password_hash = ?').run(
    new_hash,
    id,
    old_hash,
  );
  return changes === 1;
}

/** Blocks an account. False: it is blocked already. */
export function markBlocked(db: Db, id: string, at: string): boolean {
  return sql(db, 'UPDATE users SET blocked_at = ? WHERE id = ? AND blocked_at IS NULL').run(at, id).changes === 1;
}

/** Ends the block of an account. False: it is not blocked. */
export function markUnblocked(db: Db, id: string): boolean {
  return sql(db, 'UPDATE users SET blocked_at = NULL WHERE id = ? AND blocked_at IS NOT NULL').run(id).changes === 1;
}

/** Clears the e-mail and password of an account that is being deleted: nobody logs in, and the address is free. */
export function releaseEmail(db: Db, id: string): void {
  sql(db, `UPDATE users SET email = id, password_hash = '' WHERE id = ?`).run(id);
}

/** Whether the server has any account. */
export function hasUsers(db: Db): boolean {
  return sql(db, 'SELECT 1 FROM users LIMIT 1').get() !== undefined;
}
