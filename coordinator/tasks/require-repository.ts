import { ErrandError } from '../../protocol/problem.ts';
import type { TaskRow } from '../domain/task.ts';
import type { RepositoryOfTask, TaskRepositoryRow } from '../domain/task-repository.ts';
import type { Db } from '../sqlite/database.ts';
import { findTaskRepository } from '../sqlite/task-repositories.ts';
import { findTask } from '../sqlite/tasks.ts';

/** What a repository of a task has in common with its first one, and the task itself. */
type Found = { task: TaskRow } & Pick<
  TaskRepositoryRow,
  'repo_url' | 'project_id' | 'work_branch' | 'approved_commit' | 'held_commit'
>;

/** A repository of a task. Throws `not_found` if there is no such task, or it has no such repository. */
export function requireRepository(db: Db, { task_id, key }: RepositoryOfTask): Found {
  const task = findTask(db, task_id);
  if (!task) throw new ErrandError('not_found', 'There is no such task.');
  if (key === null) return { ...task, task };
  const other = findTaskRepository(db, task_id, key);
  if (!other) throw new ErrandError('not_found', 'The task has no repository with this key.');
  return { ...other, task };
}
