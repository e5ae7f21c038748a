import type { RepositoryOfTask } from '../domain/task-repository.ts';
import { sql, type Db } from './database.ts';

/** How the table names the first repository. */
const FIRST = '';

/** Notes a commit that a task pushes to one of its repositories. */
export function insertTaskPush(db: Db, { task_id, key }: RepositoryOfTask, commit: string): void {
  sql(
    db,
    'INSERT OR IGNORE INTO task_pushes (task_id, repository, commit_id) SELECT id, ?, ? FROM tasks WHERE id = ?',
  ).run(key ?? FIRST, commit, task_id);
}

/** Whether the task has pushed this commit to the repository. */
export function isTaskPush(db: Db, { task_id, key }: RepositoryOfTask, commit: string): boolean {
  const text = 'SELECT 1 FROM task_pushes WHERE task_id = ? AND repository = ? AND commit_id = ?';
  return sql(db, text).get(task_id, key ?? FIRST, commit) !== undefined;
}
