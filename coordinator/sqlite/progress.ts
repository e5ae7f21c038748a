import { WaitingFor, type PlanItem, type TaskResult } from '../../protocol/task.ts';
import type { TaskRow } from '../domain/task.ts';
import type { WaitState } from '../domain/waiting-for.ts';
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

/** A task's columns that its owner's socket is told of. */
export type StateRow = WaitState & Pick<TaskRow, 'id' | 'user_id'>;

type Stored = Omit<StateRow, 'silence' | 'waiting_for'> & { silence: string | null; waiting_for: string | null };

const COLUMNS = 'id, user_id, status, queued_at, retry_at, updated_at, silence, waiting_for';

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
