import type { Effort, Usage } from '../../protocol/task.ts';
import { sql, type Db } from './database.ts';

/** The budget of a task and what it has spent, in US dollars. Undefined: the task was deleted. */
export function findBudget(db: Db, task_id: string): { budget_usd: number; cost_usd: number } | undefined {
  return sql<{ budget_usd: number; cost_usd: number }>(db, 'SELECT budget_usd, cost_usd FROM tasks WHERE id = ?').get(
    task_id,
  );
}

/** Adds to a task's usage, and returns the new total. Undefined: the task was deleted. */
export function addUsage(db: Db, task_id: string, usage: Usage, at: string): Usage | undefined {
  return sql<Usage>(
    db,
    `UPDATE tasks SET requests = requests + :requests, input_tokens = input_tokens + :input_tokens,
       cache_write_tokens = cache_write_tokens + :cache_write_tokens, cache_read_tokens = cache_read_tokens + :cache_read_tokens,
       output_tokens = output_tokens + :output_tokens, cost_usd = cost_usd + :cost_usd, updated_at = :at
     WHERE id = :task_id
     RETURNING requests, input_tokens, cache_write_tokens, cache_read_tokens, output_tokens, cost_usd`,
  ).get({ ...usage, task_id, at });
}

/** Stores what the newest answer of a task came from. `effort`: undefined if it is not known. */
export function updateUsed(db: Db, task_id: string, model: string, effort: Effort | null | undefined): void {
  sql(
    db,
    `UPDATE tasks SET model_used = :model, effort_used = iif(:is_known, :effort, effort_used) WHERE id = :task_id`,
  ).run({ task_id, model, effort: effort ?? null, is_known: effort === undefined ? 0 : 1 });
}
