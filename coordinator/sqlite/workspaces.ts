import { sql, type Db } from './database.ts';

/** Notes which folder is the task's workspace; null: its next attempt gets a new one. */
export function setWorkspace(db: Db, task_id: string, workspace: string | null): void {
  sql(db, 'UPDATE tasks SET workspace = ? WHERE id = ?').run(workspace, task_id);
}

/** Whether this folder is the workspace of a task. */
export function isWorkspace(db: Db, workspace: string): boolean {
  return sql(db, 'SELECT 1 FROM tasks WHERE workspace = ?').get(workspace) !== undefined;
}

/** The tasks that have ended and have a workspace still, without the `keep` that ended last. */
export function listOldWorkspaces(db: Db, keep: number): string[] {
  return sql<{ id: string }>(
    db,
    `SELECT id FROM tasks WHERE workspace IS NOT NULL AND status IN ('succeeded', 'failed', 'cancelled')
     ORDER BY ended_at DESC, id DESC LIMIT -1 OFFSET ?`,
  )
    .all(keep)
    .map(({ id }) => id);
}

/** Gives up the workspace of a task that has ended: a next attempt gets another. */
export function giveUpWorkspace(db: Db, task_id: string): void {
  sql(db, `UPDATE tasks SET workspace = NULL WHERE id = ? AND status IN ('succeeded', 'failed', 'cancelled')`).run(
    task_id,
  );
}
