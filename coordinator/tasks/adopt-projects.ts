import type { TaskRow } from '../domain/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { findProjectAt } from '../sqlite/projects.ts';
import { listTaskRepositories, updateRepositoryProject } from '../sqlite/task-repositories.ts';
import { updateProject } from '../sqlite/tasks.ts';

/** Why a task has failed that a token would have helped. */
const LACKS_ACCESS: readonly (string | null)[] = ['repository_not_found', 'push_rejected'];

/**
 * Gives a task that failed at its repositories, and goes on, the projects of these where it was sent with their
 * addresses alone: its person may have made them since, with their tokens. Returns the new task.
 */
export function adoptProjects(tx: Tx, task: TaskRow, at: string): TaskRow {
  if (task.status !== 'failed' || !LACKS_ACCESS.includes(task.reason)) return task;
  const { id, user_id } = task;
  for (const { key, repo_url, project_id } of listTaskRepositories(tx.db, id)) {
    const project = project_id === null ? findProjectAt(tx.db, user_id, repo_url) : undefined;
    if (project) updateRepositoryProject(tx.db, id, key, project.id);
  }
  const project = task.project_id === null ? findProjectAt(tx.db, user_id, task.repo_url) : undefined;
  if (!project) return task;
  updateProject(tx.db, id, project.id, at);
  return { ...task, project_id: project.id, updated_at: at };
}
