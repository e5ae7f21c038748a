import { sql, type Db } from './database.ts';

/** Stores the folder name of a task's workspace; null: the next attempt gets a new one. */
export function setWorkspace(db: Db, task_id: string, workspace: string | null): void {
  sql(db, 'UPDATE tasks SET workspace = ? WHERE id = ?').run(workspace, task_id);
}

/** Whether a folder of this name is the workspace of a task. */
export function isWorkspace(db: Db, workspace: string): boolean {
  return sql(db, 'SELECT 1 FROM tasks WHERE workspace = ?').get(workspace) !== undefined;
}

/** The workspace of a task that had no attempt under way, and its newest attempt. */
export type RestingWorkspace = { task_id: string; workspace: string; attempt: number };

/** The workspaces of all tasks that have no attempt under way. */
export function listRestingWorkspaces(db: Db): RestingWorkspace[] {
  return sql<RestingWorkspace>(
    db,
    `SELECT id AS task_id, workspace, attempt FROM tasks INDEXED BY tasks_with_workspace
     WHERE workspace IS NOT NULL AND status NOT IN ('starting', 'running', 'waiting')`,
  ).all();
}

export type EndedWorkspace = { task_id: string; user_id: string; workspace: string; ended_at: string };

/** The workspaces of ended tasks, oldest end first. Deletion takes care of those of tasks that are being deleted. */
export function listEndedWorkspaces(db: Db): EndedWorkspace[] {
  return sql<EndedWorkspace>(
    db,
    `SELECT id AS task_id, user_id, workspace, ended_at FROM tasks INDEXED BY tasks_with_workspace
     WHERE workspace IS NOT NULL AND ended_at IS NOT NULL AND id NOT IN (SELECT id FROM removed) ORDER BY ended_at, id`,
  ).all();
}

/** Takes the workspace from a task, if it has ended: its next attempt gets a new one. */
export function giveUpWorkspace(db: Db, task_id: string, workspace: string): void {
  sql(db, 'UPDATE tasks SET workspace = NULL WHERE id = ? AND workspace = ? AND ended_at IS NOT NULL').run(
    task_id,
    workspace,
  );
}
