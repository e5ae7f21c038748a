import type { ProjectRow } from '../domain/project.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { findProjectAt } from '../sqlite/projects.ts';
import { listTaskRepositories, updateRepositoryProject } from '../sqlite/task-repositories.ts';
import { updateProject } from '../sqlite/tasks.ts';

/**
 * Gives a task that failed for want of access, and goes on, the projects of its repositories where it was sent with
 * their addresses alone: its person may have made them since, with their tokens. Its log tells of each. Returns the new
 * task.
 */
export function adoptProjects(tx: Tx, task: TaskRow, at: string): TaskRow {
  for (const { key, repo_url, project_id } of listTaskRepositories(tx.db, task.id)) {
    const project = project_id === null ? helpfulProject(tx, task, repo_url) : undefined;
    if (!project) continue;
    updateRepositoryProject(tx.db, task.id, key, project.id);
    tell(tx, task, project, 'its token is', at);
  }
  const project = task.project_id === null ? helpfulProject(tx, task, task.repo_url) : undefined;
  if (!project) return task;
  const ask_before_push = task.ask_before_push || project.ask_before_push;
  const adopted = { ...task, project_id: project.id, ask_before_push, updated_at: at };
  updateProject(tx.db, adopted);
  tell(tx, task, project, 'its token, variables and settings are', at);
  return adopted;
}

/**
 * The person's project of a repository, where its token would help. A push is rejected for other reasons as well, so
 * only a project that they have made or changed since they sent the task is for it.
 */
function helpfulProject({ db }: Tx, task: TaskRow, repo_url: string): ProjectRow | undefined {
  if (task.status !== 'failed') return undefined;
  if (task.reason !== 'repository_not_found' && task.reason !== 'push_rejected') return undefined;
  const project = findProjectAt(db, task.user_id, repo_url);
  if (!project?.has_git_token) return undefined;
  const is_new = project.updated_at > task.created_at;
  return is_new || task.reason === 'repository_not_found' ? project : undefined;
}

/** `what`: what of the project is used, as the beginning of a sentence. */
function tell(tx: Tx, task: TaskRow, { name, repo_url }: ProjectRow, what: string, at: string): void {
  const text = `The errand goes on with your project ${name}: ${what} used for ${repo_url}.`;
  tx.tell(task, { level: 'info', text }, at);
}
