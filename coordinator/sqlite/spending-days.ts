import type { DayCost } from '../../protocol/server.ts';
import { sql, type Db } from './database.ts';

/** Adds to what all people have spent on a day, such as `2026-11-28`, in US dollars. */
export function addDaySpending(db: Db, day: string, cost_usd: number): void {
  sql(
    db,
    `INSERT INTO spending_days (day, cost_usd) VALUES (:day, :cost_usd)
     ON CONFLICT (day) DO UPDATE SET cost_usd = cost_usd + :cost_usd`,
  ).run({ day, cost_usd });
}

/** The days with costs, from `first` on, oldest first. */
export function listDaySpending(db: Db, first: string): DayCost[] {
  return sql<DayCost>(db, 'SELECT day, cost_usd FROM spending_days WHERE day >= ? ORDER BY day').all(first);
}
