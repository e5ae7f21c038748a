import { ErrandError, wrongField } from '../../protocol/problem.ts';
import { BUDGET_USD_MAX } from '../../protocol/task.ts';
import type { Config } from '../base/config.ts';
import type { Db } from '../sqlite/database.ts';
import { findUser } from '../sqlite/users.ts';

/** What bounds the budgets that members give. */
export type BudgetBound = Pick<Config, 'member_budget_usd_max'>;

/** The highest budget in US dollars that this person may give one errand: the owner sets that of the others. */
export function budgetMax(db: Db, { member_budget_usd_max }: BudgetBound, user_id: string): number {
  return findUser(db, user_id)?.role === 'owner' ? BUDGET_USD_MAX : member_budget_usd_max;
}

/** Throws `forbidden` for a budget above what this person may give. Undefined and null leave it to the defaults. */
export function requireBudget(
  db: Db,
  bounds: BudgetBound,
  user_id: string,
  budget_usd: number | null | undefined,
): void {
  const max = budgetMax(db, bounds, user_id);
  if (budget_usd === undefined || budget_usd === null || budget_usd <= max) return;
  throw new ErrandError('forbidden', `The budget of an errand is at most ${max} dollars for you on this server.`, {
    errors: [
      wrongField('/budget_usd', `is above this server's bound for you: ${max}`, {
        reason: 'above_own_budget',
        params: { max: String(max) },
      }),
    ],
  });
}
