import { z } from 'zod';
import { PlanItem, TaskResult, WaitingFor } from '../../protocol/task.ts';
import type { TaskRow } from '../domain/task.ts';
import type { TaskState } from '../domain/task-state.ts';
import { numberOf, sql, type Db } from './database.ts';
import { AT_WORK, OPEN } from './status-sets.ts';

/** A row of `tasks`. */
export type Stored = Omit<
  TaskRow,
  'ask_before_push' | 'plan_first' | 'waiting_for' | 'silence' | 'plan' | 'result' | 'usage'
> & {
  ask_before_push: number;
  plan_first: number;
  waiting_for: string | null;
  silence: string | null;
  plan: string;
  result: string | null;
} & TaskRow['usage'];

const Plan = z.array(PlanItem);

/** A task of a stored row. */
export function fromStored(row: Stored): TaskRow {
  const { requests, input_tokens, cache_write_tokens, cache_read_tokens, output_tokens, cost_usd, ...rest } = row;
  return {
    ...rest,
    ask_before_push: row.ask_before_push === 1,
    plan_first: row.plan_first === 1,
    waiting_for: row.waiting_for === null ? null : WaitingFor.parse(JSON.parse(row.waiting_for)),
    silence: row.silence === null ? null : WaitingFor.parse(JSON.parse(row.silence)),
    plan: Plan.parse(JSON.parse(row.plan)),
    result: row.result === null ? null : TaskResult.parse(JSON.parse(row.result)),
    usage: { requests, input_tokens, cache_write_tokens, cache_read_tokens, output_tokens, cost_usd },
  };
}

/** The task, whoever owns it, and also while it is being deleted. In a person's request use `findTaskOf`. */
export function findTask(db: Db, id: string): TaskRow | undefined {
  const row = sql<Stored>(db, 'SELECT * FROM tasks WHERE id = ?').get(id);
  return row && fromStored(row);
}

/** The task, if it belongs to this user and is not being deleted. */
export function findTaskOf(db: Db, user_id: string, id: string): TaskRow | undefined {
  const row = sql<Stored>(
    db,
    'SELECT * FROM tasks WHERE id = ? AND user_id = ? AND id NOT IN (SELECT id FROM removed)',
  ).get(id, user_id);
  return row && fromStored(row);
}

/** Adds a new task: without usage, plan or result. */
export function insertTask(db: Db, task: TaskRow): void {
  sql(
    db,
    `INSERT INTO tasks (id, user_id, project_id, schedule_id, repo_url, prompt, title, base_branch, branch, work_branch, model, effort, budget_usd, max_turns, priority,
       ask_before_push, plan_first, status, reason, detail, attempt, failures, cancel_reason, queued_at, retry_at, outage_since, workspace, plan, created_at, updated_at, started_at, ended_at)
     VALUES (:id, :user_id, :project_id, :schedule_id, :repo_url, :prompt, :title, :base_branch, :branch, :work_branch, :model, :effort, :budget_usd, :max_turns, :priority,
       :ask_before_push, :plan_first,
       :status, :reason, :detail, :attempt, :failures, :cancel_reason, :queued_at, :retry_at, :outage_since, :workspace, '[]', :created_at, :updated_at,
       :started_at, :ended_at)`,
  ).run({
    ...task,
    ask_before_push: task.ask_before_push ? 1 : 0,
    plan_first: task.plan_first ? 1 : 0,
    usage: null,
    plan: null,
    result: null,
    waiting_for: null,
    silence: null,
  });
}

/**
 * Stores the new state of a task, if it still has the status and attempt of `before`. False: another write was first.
 */
export function updateState(
  db: Db,
  id: string,
  before: Pick<TaskState, 'status' | 'attempt'>,
  state: TaskState,
  at: string,
): boolean {
  const { changes } = sql(
    db,
    `UPDATE tasks SET status = :status, reason = :reason, detail = :detail, attempt = :attempt, failures = :failures,
       cancel_reason = :cancel_reason, queued_at = :queued_at, retry_at = :retry_at, outage_since = :outage_since,
       started_at = :started_at, ended_at = :ended_at, archived_at = CASE WHEN :ended_at IS NOT NULL THEN archived_at END,
       waiting_for = CASE WHEN :status IN ('running', 'waiting', 'parked') THEN waiting_for END,
       silence = CASE WHEN :status IN ('running', 'waiting') THEN silence END, updated_at = :at
     WHERE id = :id AND status = :status_before AND attempt = :attempt_before`,
  ).run({ ...state, id, at, status_before: before.status, attempt_before: before.attempt });
  return changes === 1;
}

/** Sets a task's total budget in US dollars. False: as much was spent already, and the budget stays. */
export function updateBudget(db: Db, id: string, budget_usd: number, at: string): boolean {
  const { changes } = sql(
    db,
    'UPDATE tasks SET budget_usd = :budget_usd, updated_at = :at WHERE id = :id AND cost_usd < :budget_usd',
  ).run({ id, budget_usd, at });
  return changes === 1;
}

/** Stores when an ended task was archived; null: it is not archived any more. */
export function updateArchived(db: Db, id: string, archived_at: string | null, at: string): void {
  sql(db, 'UPDATE tasks SET archived_at = :archived_at, updated_at = :at WHERE id = :id').run({ id, archived_at, at });
}

/** Puts a task that has no project into one of its user. */
export function updateProject(
  db: Db,
  task: Pick<TaskRow, 'id' | 'project_id' | 'ask_before_push' | 'updated_at'>,
): void {
  sql(
    db,
    `UPDATE tasks SET project_id = :project_id, ask_before_push = :ask_before_push, updated_at = :updated_at
     WHERE id = :id`,
  ).run({ ...task, ask_before_push: task.ask_before_push ? 1 : 0 });
}

/** Sets the model and the effort that the task goes on with. */
export function updateModel(db: Db, id: string, now: Pick<TaskRow, 'model' | 'effort'>, at: string): void {
  sql(db, 'UPDATE tasks SET model = :model, effort = :effort, updated_at = :at WHERE id = :id').run({ ...now, id, at });
}

/** Stores the commit that may be pushed, and that the diff of the newest result was shown for it. */
export function approveCommit(db: Db, id: string, commit: string, at: string): void {
  sql(db, 'UPDATE tasks SET approved_commit = :commit, updated_at = :at WHERE id = :id').run({ id, commit, at });
  sql(db, 'UPDATE diffs SET approved = 1 WHERE task_id = ?').run(id);
}

/** Stores the newest commit whose push was refused because it was not approved; null: there is none in this attempt. */
export function holdCommit(db: Db, id: string, commit: string | null): void {
  sql(db, 'UPDATE tasks SET held_commit = ? WHERE id = ?').run(commit, id);
}

/** How many tasks of a user are queued. */
export function countQueuedOf(db: Db, user_id: string): number {
  return numberOf(db, `SELECT count(*) FROM tasks WHERE user_id = ? AND status = 'queued'`, user_id);
}

/** Whether a task of this user needs a worker. */
export function hasWork(db: Db, user_id: string): boolean {
  const row = sql(db, `SELECT 1 FROM tasks WHERE user_id = ? AND status IN ${AT_WORK} LIMIT 1`).get(user_id);
  return row !== undefined;
}

/** Whether a task of this project, or one that works in its repository too, has not ended. */
export function isProjectAtWork(db: Db, user_id: string, project_id: string): boolean {
  const row = sql(
    db,
    `SELECT 1 FROM tasks WHERE user_id = :user_id AND status IN ${OPEN}
       AND (project_id = :project_id OR id IN (SELECT task_id FROM task_repositories WHERE project_id = :project_id)) LIMIT 1`,
  ).get({ user_id, project_id });
  return row !== undefined;
}

/** The tasks of a user that have not ended. */
export function listOpenTasksOf(db: Db, user_id: string): TaskRow[] {
  return sql<Stored>(db, `SELECT * FROM tasks WHERE user_id = ? AND status IN ${OPEN}`).all(user_id).map(fromStored);
}

/** The tasks of everybody that have not ended, oldest first. */
export function listOpenTasks(db: Db): TaskRow[] {
  return sql<Stored>(
    db,
    `SELECT * FROM tasks WHERE status IN ${OPEN} AND id NOT IN (SELECT id FROM removed) ORDER BY id`,
  )
    .all()
    .map(fromStored);
}

/** Whether a task of this user has not ended. */
export function hasOpenTask(db: Db, user_id: string): boolean {
  const row = sql(db, `SELECT 1 FROM tasks WHERE user_id = ? AND status IN ${OPEN} LIMIT 1`).get(user_id);
  return row !== undefined;
}
