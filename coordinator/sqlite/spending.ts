import { numberOf, sql, type Db } from './database.ts';

/** Stands for all people whose accounts are deleted. */
const NOBODY = '';

/** Adds to what a person has spent in a month, such as `2026-11`, in US dollars. */
export function addSpending(db: Db, user_id: string, month: string, cost_usd: number): void {
  // A request may end after its account was deleted.
  const exists = sql(db, 'SELECT 1 FROM users WHERE id = ?').get(user_id) !== undefined;
  sql(
    db,
    `INSERT INTO spending (user_id, month, cost_usd) VALUES (:user_id, :month, :cost_usd)
     ON CONFLICT (month, user_id) DO UPDATE SET cost_usd = cost_usd + :cost_usd`,
  ).run({ user_id: exists ? user_id : NOBODY, month, cost_usd });
}

/** Forgets who has spent what, of a deleted account; the server's sum stays. */
export function forgetSpender(db: Db, user_id: string): void {
  sql(
    db,
    `INSERT INTO spending (user_id, month, cost_usd)
     SELECT '${NOBODY}', month, cost_usd FROM spending WHERE user_id = ?
     ON CONFLICT (month, user_id) DO UPDATE SET cost_usd = cost_usd + excluded.cost_usd`,
  ).run(user_id);
  sql(db, 'DELETE FROM spending WHERE user_id = ?').run(user_id);
}

/** What a person has spent in a month, and what requests in progress of theirs may cost, in US dollars. */
export function personSpending(db: Db, user_id: string, month: string): { cost_usd: number; open_usd: number } {
  const spent = 'SELECT total(cost_usd) FROM spending WHERE month = ? AND user_id = ?';
  // The few requests in progress come first, not the many tasks.
  const open = `SELECT total(prompt_usd + output_usd) FROM open_requests CROSS JOIN tasks ON tasks.id = task_id
     WHERE user_id = ?`;
  return { cost_usd: numberOf(db, spent, month, user_id), open_usd: numberOf(db, open, user_id) };
}

/** The same of all people. */
export function serverSpending(db: Db, month: string): { cost_usd: number; open_usd: number } {
  const spent = 'SELECT total(cost_usd) FROM spending WHERE month = ?';
  const open = 'SELECT total(prompt_usd + output_usd) FROM open_requests';
  return { cost_usd: numberOf(db, spent, month), open_usd: numberOf(db, open) };
}
