import { isEnded } from '../../../protocol/task.ts';
import type { ProjectRow } from '../../domain/project.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Db } from '../../sqlite/database.ts';
import { findProjectOf } from '../../sqlite/projects.ts';
import type { PullRow } from '../../domain/pull.ts';
import { listTaskRepositories } from '../../sqlite/task-repositories.ts';
import { findTask, findTaskOf } from '../../sqlite/tasks.ts';
import { findUser } from '../../sqlite/users.ts';

/** A pull request whose task goes back to work for what is said about it. */
export type FollowedPull = { pull: PullRow; task: TaskRow; project: ProjectRow };

/**
 * The task of a pull request and the project of its repository, if it may go back to work. Undefined: the project does not
 * want that. A repository of no project follows the first one's, as its pull request does.
 */
export function followedPull(db: Db, pull: PullRow | undefined): FollowedPull | undefined {
  if (pull?.state !== 'open') return undefined;
  const owner = findTask(db, pull.task_id)?.user_id;
  const task = owner === undefined ? undefined : findTaskOf(db, owner, pull.task_id);
  if (!task || wasCancelled(task)) return undefined;
  const of_repository = listTaskRepositories(db, task.id).find(
    ({ repo_url }) => repo_url === pull.repo_url,
  )?.project_id;
  const project_id = of_repository ?? task.project_id;
  const project = project_id === null ? undefined : findProjectOf(db, task.user_id, project_id);
  if (!project?.follow_up || findUser(db, task.user_id)?.blocked_at !== null) return undefined;
  return { pull, task, project };
}

/** A person who has cancelled a task does not want it to go on by itself. */
function wasCancelled({ status, cancel_reason }: TaskRow): boolean {
  return status === 'cancelled' || (!isEnded(status) && cancel_reason !== null);
}
