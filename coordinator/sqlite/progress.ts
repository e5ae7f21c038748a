import { WaitingFor, type PlanItem, type TaskResult } from '../../protocol/task.ts';
import type { TaskRow } from '../domain/task.ts';
import type { WaitState } from '../domain/waiting-for.ts';
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

/** A task's columns that its owner's socket is told of. */
export type StateRow = WaitState & Pick<TaskRow, 'id' | 'user_id'>;

type Stored = Omit<StateRow, 'silence' | 'waiting_for'> & { silence: string | null; waiting_for: string | null };

const COLUMNS = 'id, user_id, status, detail, queued_at, retry_at, outage_since, updated_at, silence, waiting_for';

function fromStored(row: Stored): StateRow {
  const parse = (text: string | null) => (text === null ? null : WaitingFor.parse(JSON.parse(text)));
  return { ...row, silence: parse(row.silence), waiting_for: parse(row.waiting_for) };
}

/** The state of a user's tasks that a worker is at, or is being started for; the 200 oldest. */
export function listStatesOf(db: Db, user_id: string): StateRow[] {
  return sql<Stored>(
    db,
    `SELECT ${COLUMNS} FROM tasks WHERE user_id = ? AND status IN ('starting', 'running', 'waiting') ORDER BY id LIMIT 200`,
  )
    .all(user_id)
    .map(fromStored);
}

/** The state of one task. Undefined: it is gone. */
export function findState(db: Db, task_id: string): StateRow | undefined {
  const row = sql<Stored>(db, `SELECT ${COLUMNS} FROM tasks WHERE id = ?`).get(task_id);
  return row && fromStored(row);
}
