import type { PlanItem, TaskResult, TaskStatus } from '../../protocol/task.ts';
import { sql, type Db } from './database.ts';

/* What a worker's callbacks change of its task's row, besides its life. */

/** `waiting_for` is JSON, or null. */
export function updateWaitingFor(db: Db, task_id: string, waiting_for: string | null): void {
  sql(db, 'UPDATE tasks SET waiting_for = ? WHERE id = ?').run(waiting_for, task_id);
}

/** Notes that a task's worker is silent, where it is at work on this attempt. `silence` is JSON. False: it is not. */
export function markSilent(db: Db, task_id: string, attempt: number, silence: string): boolean {
  const { changes } = sql(
    db,
    `UPDATE tasks SET silence = :silence WHERE id = :task_id AND attempt = :attempt AND status IN ('running', 'waiting')`,
  ).run({ task_id, attempt, silence });
  return changes === 1;
}

/** Notes that a task's worker was heard again. */
export function markHeard(db: Db, task_id: string): void {
  sql(db, 'UPDATE tasks SET silence = NULL WHERE id = ?').run(task_id);
}

export function updatePlan(db: Db, task_id: string, plan: PlanItem[], at: string): void {
  sql(db, 'UPDATE tasks SET plan = :plan, updated_at = :at WHERE id = :task_id').run({
    task_id,
    plan: JSON.stringify(plan),
    at,
  });
}

export function updatePushedBranch(db: Db, task_id: string, branch: string, at: string): void {
  sql(db, 'UPDATE tasks SET pushed_branch = :branch, updated_at = :at WHERE id = :task_id').run({
    task_id,
    branch,
    at,
  });
}

export function updateResult(db: Db, task_id: string, result: TaskResult, at: string): void {
  sql(db, 'UPDATE tasks SET result = :result, updated_at = :at WHERE id = :task_id').run({
    task_id,
    result: JSON.stringify(result),
    at,
  });
}

/** How a task stands now, for its owner's socket. `waiting_for` is JSON, or null. */
export type StateRow = { id: string; user_id: string; status: TaskStatus; waiting_for: string | null };

const STATE = `SELECT id, user_id, status,
   CASE status WHEN 'starting' THEN json_object('kind', 'worker', 'since', updated_at) ELSE coalesce(silence, waiting_for) END AS waiting_for
   FROM tasks`;

/** A user's tasks that a worker is at, or is being started for: that is what those wait for, until it says something else. */
export function listStatesOf(db: Db, user_id: string): StateRow[] {
  return sql<StateRow>(
    db,
    `${STATE} WHERE user_id = ? AND status IN ('starting', 'running', 'waiting') ORDER BY id LIMIT 200`,
  ).all(user_id);
}

/** How one task stands now. Undefined: it is gone. */
export function findState(db: Db, task_id: string): StateRow | undefined {
  return sql<StateRow>(db, `${STATE} WHERE id = ?`).get(task_id);
}
