import { numberOf, sql, type Db } from './database.ts';

/** Adds to what a person has spent in a month, such as `2026-11`, in US dollars. */
export function addSpending(db: Db, user_id: string, month: string, cost_usd: number): void {
  sql(
    db,
    `INSERT INTO spending (user_id, month, cost_usd) VALUES (:user_id, :month, :cost_usd)
     ON CONFLICT (month, user_id) DO UPDATE SET cost_usd = cost_usd + :cost_usd`,
  ).run({ user_id, month, cost_usd });
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
