import type { TaskRow } from '../domain/task.ts';
import type { RepositoryOutcome } from '../domain/task-repository.ts';
import type { Db } from '../sqlite/database.ts';
import { listTaskRepositories } from '../sqlite/task-repositories.ts';

/** A repository of a task: its project, and what was done there. */
export type RepositoryAt = Pick<TaskRow, 'repo_url' | 'project_id'> & { result: RepositoryOutcome | null };

/** The repository of a task with this address, as the task names it; null, or another address: its first one. */
export function repositoryAt(db: Db, task: TaskRow, repo_url: string | null): RepositoryAt {
  return listTaskRepositories(db, task.id).find((other) => other.repo_url === repo_url) ?? task;
}
