import { ErrandError } from '../../protocol/problem.ts';
import type { TaskRow } from '../domain/task.ts';
import type { RepositoryOfTask, TaskRepositoryRow } from '../domain/task-repository.ts';
import type { Db } from '../sqlite/database.ts';
import { findTaskRepository, listTaskRepositories } from '../sqlite/task-repositories.ts';
import { findTask } from '../sqlite/tasks.ts';

/** What a repository of a task has in common with its first one, and the task itself. */
type Found = { task: TaskRow } & Pick<
  TaskRepositoryRow,
  'repo_url' | 'project_id' | 'work_branch' | 'approved_commit' | 'held_commit'
>;

/** What of a repository is the same for the first one of a task and its others. `key` null: the first. */
export type RepositoryAt = Pick<TaskRepositoryRow, 'repo_url' | 'project_id' | 'result'> & { key: string | null };

/** The repository of a task at this address; the first one where no other has it. */
export function repositoryAt(db: Db, task: TaskRow, repo_url: string | null): RepositoryAt {
  return listTaskRepositories(db, task.id).find((other) => other.repo_url === repo_url) ?? { ...task, key: null };
}

/** A repository of a task. Throws `not_found` if there is no such task, or it has no such repository. */
export function requireRepository(db: Db, { task_id, key }: RepositoryOfTask): Found {
  const task = findTask(db, task_id);
  if (!task) throw new ErrandError('not_found', 'There is no such task.');
  if (key === null) return { ...task, task };
  const other = findTaskRepository(db, task_id, key);
  if (!other) throw new ErrandError('not_found', 'The task has no repository with this key.');
  return { ...other, task };
}
