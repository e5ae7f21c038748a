import type { PlanItem, TaskResult, TaskStatus } from '../../protocol/task.ts';
import { sql, type Db } from './database.ts';

/* What a worker's callbacks change in the row of its task, apart from the task's status. */

/** `waiting_for` is JSON, or null. */
export function updateWaitingFor(db: Db, task_id: string, waiting_for: string | null): void {
  sql(db, 'UPDATE tasks SET waiting_for = ? WHERE id = ?').run(waiting_for, task_id);
}

/**
 * Marks a task's worker as silent. `silence` is JSON (`WaitingFor`). False: the task is no longer at work on this
 * attempt.
 */
export function setSilence(db: Db, task_id: string, attempt: number, silence: string): boolean {
  const { changes } = sql(
    db,
    `UPDATE tasks SET silence = :silence WHERE id = :task_id AND attempt = :attempt AND status IN ('running', 'waiting')`,
  ).run({ task_id, attempt, silence });
  return changes === 1;
}

/** Removes the mark of `setSilence`: the worker has called again. */
export function clearSilence(db: Db, task_id: string): void {
  sql(db, 'UPDATE tasks SET silence = NULL WHERE id = ?').run(task_id);
}

/** Replaces the plan of a task. `at` is an ISO time. */
export function updatePlan(db: Db, task_id: string, plan: PlanItem[], at: string): void {
  sql(db, 'UPDATE tasks SET plan = :plan, updated_at = :at WHERE id = :task_id').run({
    task_id,
    plan: JSON.stringify(plan),
    at,
  });
}

/** Stores the branch of a task that is known to be in the repository. `at` is an ISO time. */
export function updatePushedBranch(db: Db, task_id: string, branch: string, at: string): void {
  sql(db, 'UPDATE tasks SET pushed_branch = :branch, updated_at = :at WHERE id = :task_id').run({
    task_id,
    branch,
    at,
  });
}

/** Stores the result of a task in place of an earlier one. `at` is an ISO time. */
export function updateResult(db: Db, task_id: string, result: TaskResult, at: string): void {
  sql(db, 'UPDATE tasks SET result = :result, updated_at = :at WHERE id = :task_id').run({
    task_id,
    result: JSON.stringify(result),
    at,
  });
}

/** The state of a task for its owner's socket. `waiting_for` is JSON, or null. */
export type StateRow = { id: string; user_id: string; status: TaskStatus; waiting_for: string | null };

const STATE = `SELECT id, user_id, status,
   CASE status WHEN 'starting' THEN json_object('kind', 'worker', 'since', updated_at) ELSE coalesce(silence, waiting_for) END AS waiting_for
   FROM tasks`;

/** The states of a user's tasks that are at work. A starting task waits for its worker until that worker calls. */
export function listStatesOf(db: Db, user_id: string): StateRow[] {
  return sql<StateRow>(
    db,
    `${STATE} WHERE user_id = ? AND status IN ('starting', 'running', 'waiting') ORDER BY id LIMIT 200`,
  ).all(user_id);
}

/** The state of one task. Undefined: the task was deleted. */
export function findState(db: Db, task_id: string): StateRow | undefined {
  return sql<StateRow>(db, `${STATE} WHERE id = ?`).get(task_id);
}
