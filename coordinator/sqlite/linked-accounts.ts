import { numberOf, sql, type Db } from './database.ts';

/** An account at a forge, or at the identity provider, that belongs to a person of this server. Times are ISO. */
export type LinkedAccountRow = {
  id: string;
  user_id: string;
  /** Null: the identity provider. */
  forge_id: string | null;
  /** The origin of the forge, or the issuer of the identity provider. */
  issuer: string;
  /** The person's id there, which outlives a rename. */
  subject: string;
  login: string;
  /** Sealed JSON; null: there are none, or the forge does not accept them any more. */
  tokens: string | null;
  /** When the access token expires; null: it does not. */
  expires_at: string | null;
  created_at: string;
};

/** Adds an account. Throws SQLITE_CONSTRAINT_UNIQUE if it is linked already: look first, in the same transaction. */
export function insertLinkedAccount(db: Db, account: LinkedAccountRow): void {
  sql(
    db,
    `INSERT INTO linked_accounts (id, user_id, forge_id, issuer, subject, login, tokens, expires_at, created_at)
     VALUES (:id, :user_id, :forge_id, :issuer, :subject, :login, :tokens, :expires_at, :created_at)`,
  ).run(account);
}

export function findLinkedAccount(db: Db, id: string): LinkedAccountRow | undefined {
  return sql<LinkedAccountRow>(db, 'SELECT * FROM linked_accounts WHERE id = ?').get(id);
}

/** Whose account this is at a forge or the identity provider. */
export function findLinkedAccountOf(db: Db, issuer: string, subject: string): LinkedAccountRow | undefined {
  return sql<LinkedAccountRow>(db, 'SELECT * FROM linked_accounts WHERE issuer = ? AND subject = ?').get(
    issuer,
    subject,
  );
}

/** A person's linked accounts, the oldest first. */
export function listLinkedAccounts(db: Db, user_id: string): LinkedAccountRow[] {
  return sql<LinkedAccountRow>(db, 'SELECT * FROM linked_accounts WHERE user_id = ? ORDER BY id').all(user_id);
}

/** Stores what a new sign-in at the forge gave: its tokens, and the login that the person has now. */
export function renewLinkedAccount(
  db: Db,
  account: Pick<LinkedAccountRow, 'id' | 'forge_id' | 'login' | 'tokens' | 'expires_at'>,
): void {
  const text = `UPDATE linked_accounts SET forge_id = :forge_id, login = :login, tokens = :tokens, expires_at = :expires_at
     WHERE id = :id`;
  sql(db, text).run(account);
}

/** Replaces the tokens, if they are still `old`. False: another sign-in has replaced them. */
export function replaceTokens(
  db: Db,
  id: string,
  old: string,
  { tokens, expires_at }: Pick<LinkedAccountRow, 'tokens' | 'expires_at'>,
): boolean {
  const statement = 'UPDATE linked_accounts SET tokens = ?, expires_at = ? WHERE id = ? AND tokens = ?';
  return sql(db, statement).run(tokens, expires_at, id, old).changes === 1;
}

/** False: the person has no such account. */
export function deleteLinkedAccount(db: Db, user_id: string, id: string): boolean {
  return sql(db, 'DELETE FROM linked_accounts WHERE id = ? AND user_id = ?').run(id, user_id).changes === 1;
}

/** Unlinks all accounts of a person: somebody else may link them. */
export function deleteLinkedAccountsOf(db: Db, user_id: string): void {
  sql(db, 'DELETE FROM linked_accounts WHERE user_id = ?').run(user_id);
}

/** How many accounts a person has linked. */
export function countLinkedAccounts(db: Db, user_id: string): number {
  return numberOf(db, 'SELECT count(*) FROM linked_accounts WHERE user_id = ?', user_id);
}
