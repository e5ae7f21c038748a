import { sql, type Db } from './database.ts';

/** Notes a commit that a task pushes. */
export function insertTaskPush(db: Db, task_id: string, commit: string): void {
  sql(db, 'INSERT OR IGNORE INTO task_pushes (task_id, commit_id) SELECT id, ? FROM tasks WHERE id = ?').run(
    commit,
    task_id,
  );
}

/** Whether the task has pushed this commit. */
export function isTaskPush(db: Db, task_id: string, commit: string): boolean {
  return sql(db, 'SELECT 1 FROM task_pushes WHERE task_id = ? AND commit_id = ?').get(task_id, commit) !== undefined;
}
