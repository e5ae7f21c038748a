import { createHash } from 'node:crypto';
import { AuditEntry, auditText, type AuditAction } from '../../protocol/audit.ts';
import { sql, type Db } from './database.ts';
import { findUser } from './users.ts';

/** Entries past this number: the oldest are deleted. */
const ROWS_MAX = 500_000;
const PRUNE_EVERY = 1_000;
/** A list of names or refs may come from a stranger. */
const DETAIL_CHARS_MAX = 4_000;

/** What happened. `email`: of the account `user_id`, unless it is given. `at`: ISO, now unless it is given. */
export type Audited = {
  action: AuditAction;
  user_id?: string | null;
  email?: string;
  address?: string | null;
  subject?: string | null;
  detail?: Record<string, unknown>;
  at?: string;
};

type Stored = Omit<AuditEntry, 'detail'> & { detail: string };
const Detail = AuditEntry.shape.detail;

/** Adds an entry in the caller's transaction, chained to the one before. */
export function appendAudit(
  db: Db,
  { action, user_id = null, email, address = null, subject = null, ...rest }: Audited,
) {
  const last = sql<{ id: number; hash: string }>(db, 'SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1').get();
  const { detail = {}, at = new Date().toISOString() } = rest;
  const too_long = JSON.stringify(detail).length > DETAIL_CHARS_MAX;
  const entry = {
    id: (last?.id ?? 0) + 1,
    at,
    action,
    user_id,
    email: email ?? (user_id === null ? null : (findUser(db, user_id)?.email ?? null)),
    address,
    subject,
    detail: too_long ? { too_long: JSON.stringify(detail).slice(0, DETAIL_CHARS_MAX) } : detail,
    previous_hash: last?.hash ?? '',
  };
  sql(
    db,
    `INSERT INTO audit (id, at, action, user_id, email, address, subject, detail, previous_hash, hash)
     VALUES (:id, :at, :action, :user_id, :email, :address, :subject, :detail, :previous_hash, :hash)`,
  ).run({
    ...entry,
    detail: JSON.stringify(entry.detail),
    hash: createHash('sha256').update(auditText(entry)).digest('hex'),
  });
  if (entry.id % PRUNE_EVERY === 0) cutAudit(db, ROWS_MAX);
}

/**
 * Deletes the oldest entries above `rows_max`. An entry says so, with the hash that the oldest one left is chained to:
 * whoever verifies the log can tell this from entries that somebody else deleted.
 */
export function cutAudit(db: Db, rows_max: number): void {
  const cut = sql<{ id: number; hash: string }>(
    db,
    'SELECT id, hash FROM audit WHERE id <= (SELECT max(id) FROM audit) - ? ORDER BY id DESC LIMIT 1',
  ).get(rows_max);
  if (!cut) return;
  sql(db, 'DELETE FROM audit WHERE id <= ?').run(cut.id);
  appendAudit(db, { action: 'audit.cut', detail: { up_to: cut.id, hash: cut.hash } });
}

/** The newest entries first, older than `before`; or with `after` the oldest first, newer than that. */
export function listAudit(
  db: Db,
  { before, after, limit }: { before?: number | undefined; after?: number | undefined; limit: number },
): AuditEntry[] {
  const rows =
    after === undefined
      ? sql<Stored>(db, 'SELECT * FROM audit WHERE id < ? ORDER BY id DESC LIMIT ?').all(
          before ?? Number.MAX_SAFE_INTEGER,
          limit,
        )
      : sql<Stored>(db, 'SELECT * FROM audit WHERE id > ? ORDER BY id LIMIT ?').all(after, limit);
  return rows.map((row) => ({ ...row, detail: Detail.parse(JSON.parse(row.detail)) }));
}
