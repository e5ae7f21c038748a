import type { Person } from '../../protocol/people.ts';
import { sql, type Db } from './database.ts';
import { OPEN } from './status-sets.ts';

/* The accounts as the owner of the server sees them. */

/** Accounts that are being deleted are left out. */
const LIST_PEOPLE = `SELECT id, email, role, created_at, blocked_at,
     (SELECT max(created_at) FROM refresh_tokens INDEXED BY refresh_tokens_unused
      WHERE user_id = users.id AND used_at IS NULL) AS last_used_at,
     (SELECT total(cost_usd) FROM spending WHERE month = :month AND user_id = users.id) AS month_usd,
     (SELECT count(*) FROM tasks INDEXED BY tasks_by_user_status WHERE user_id = users.id
      AND status IN ${OPEN}) AS errands
   FROM users WHERE id > :after AND id NOT IN (SELECT id FROM removed) ORDER BY id LIMIT :limit`;

/** A page of the accounts, oldest first. `month`: the one whose money is counted. */
export function listPeople(db: Db, page: { after: string | undefined; limit: number; month: string }): Person[] {
  return sql<Person>(db, LIST_PEOPLE).all({ ...page, after: page.after ?? '' });
}

/** One account. Undefined: there is none, or it is being deleted. */
export function findPerson(db: Db, id: string, month: string): Person | undefined {
  const one = LIST_PEOPLE.replace('id > :after', 'id = :after').replace(' LIMIT :limit', '');
  return sql<Person>(db, one).get({ after: id, month });
}
