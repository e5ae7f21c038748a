import type { Logger } from '../../base/logger.ts';
import type { ThreadKey } from '../../sqlite/forge-requests.ts';
import { hurryPull, listPullsAtNumber } from '../../sqlite/pulls.ts';
import type { Effect } from './plan.ts';
import { isEnded } from '../../../protocol/task.ts';
import type { ProjectRow } from '../../domain/project.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Db } from '../../sqlite/database.ts';
import { findProjectOf } from '../../sqlite/projects.ts';
import type { PullRow } from '../../domain/pull.ts';
import { findTask, findTaskOf } from '../../sqlite/tasks.ts';
import { repositoryAt } from '../../tasks/require-repository.ts';
import { findUser } from '../../sqlite/users.ts';

/** A pull request whose task goes back to work for what is said about it. */
export type FollowedPull = { pull: PullRow; task: TaskRow; project: ProjectRow };

/**
 * The pull request at a forge as the task has it that answers for it. Several may have taken it up: it is the one
 * that has not ended, else the newest. `user_id`: among the tasks of this person alone.
 */
export function answeringPull(db: Db, thread: ThreadKey, user_id?: string): PullRow | undefined {
  const pulls = listPullsAtNumber(db, thread.forge_id, thread.repository_id, thread.number).flatMap((pull) => {
    const task = findTask(db, pull.task_id);
    return task && (user_id === undefined || task.user_id === user_id) ? [{ pull, task }] : [];
  });
  return (pulls.find(({ task }) => !isEnded(task.status)) ?? pulls[0])?.pull;
}

/**
 * The task of a pull request and the project of its repository, if it may go back to work. Undefined: the project
 * does not want that. A repository of no project follows the first one's, as its pull request does.
 */
export function followedPull(db: Db, pull: PullRow | undefined): FollowedPull | undefined {
  if (pull?.state !== 'open') return undefined;
  const owner = findTask(db, pull.task_id)?.user_id;
  const task = owner === undefined ? undefined : findTaskOf(db, owner, pull.task_id);
  if (!task || wasCancelled(task)) return undefined;
  const project_id = repositoryAt(db, task, pull.repo_url).project_id ?? task.project_id;
  const project = project_id === null ? undefined : findProjectOf(db, task.user_id, project_id);
  if (!project?.follow_up || findUser(db, task.user_id)?.blocked_at !== null) return undefined;
  return { pull, task, project };
}

/**
 * The pull request that something was planned for, as it is when that is done. Undefined: nothing follows any more.
 * Throws where another task answers for it by now: what was checked of its person was that of `planned`, so it is
 * planned anew.
 */
export function stillFollowed(db: Db, thread: ThreadKey, planned: TaskRow): FollowedPull | undefined {
  const now = followedPull(db, answeringPull(db, thread));
  if (now && now.task.id !== planned.id) throw new Error('Another task answers for the pull request now.');
  return now;
}

/**
 * What follows where the person of a task may not read the repository any more: nothing of it comes to the task, and
 * its pull request says so once it was looked at.
 */
export function withheld({ logger }: { logger: Logger }, { pull, task }: FollowedPull): Effect {
  return (tx) => {
    logger.info({ task_id: task.id }, 'person may not read the repository any more: follow-up dropped');
    hurryPull(tx.db, pull.id, new Date().toISOString());
    tx.announce('pulls');
  };
}

/** A person who has cancelled a task does not want it to go on by itself. */
function wasCancelled({ status, cancel_reason }: TaskRow): boolean {
  return status === 'cancelled' || (!isEnded(status) && cancel_reason !== null);
}
