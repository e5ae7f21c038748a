import type { TaskRow } from '../domain/task.ts';
import { sql, type Db } from './database.ts';
import { ENDED } from './status-sets.ts';

/** A repository of a task that has not ended, and the branch there that its person named. */
export type TaskAtBranch = Pick<TaskRow, 'id' | 'user_id' | 'repo_url' | 'work_branch'>;

const NOT_ENDED = `tasks.status NOT IN ${ENDED}`;
const OTHERS = `SELECT tasks.id, tasks.user_id, other.repo_url, other.work_branch
  FROM task_repositories AS other JOIN tasks ON tasks.id = other.task_id WHERE ${NOT_ENDED}`;
/** Few tasks are in this index: all of it is read, since one repository has several addresses. */
const FIRST = `SELECT id, user_id, repo_url, work_branch FROM tasks INDEXED BY tasks_by_work_branch WHERE ${NOT_ENDED}`;

/** The tasks that have not ended and push to a branch of this name, in any repository. */
export function listTasksAtBranch(db: Db, work_branch: string): TaskAtBranch[] {
  const text = `${FIRST} AND work_branch = :work_branch UNION ALL ${OTHERS} AND other.work_branch = :work_branch`;
  return sql<TaskAtBranch>(db, text).all({ work_branch });
}

/** The tasks that have not ended and push to a branch whose name begins so. */
export function listTasksAtBranchesOf(db: Db, prefix: string): TaskAtBranch[] {
  const text = `${FIRST} AND work_branch >= :from AND work_branch < :to
    UNION ALL ${OTHERS} AND other.work_branch >= :from AND other.work_branch < :to`;
  return sql<TaskAtBranch>(db, text).all({ from: prefix, to: `${prefix}\u{10FFFF}` });
}

/** The repositories of the task with this id; none if it has ended. */
export function listRepositoriesAtWork(db: Db, id: string): TaskAtBranch[] {
  const text = `SELECT id, user_id, repo_url, work_branch FROM tasks WHERE ${NOT_ENDED} AND id = :id
    UNION ALL ${OTHERS} AND other.task_id = :id`;
  return sql<TaskAtBranch>(db, text).all({ id });
}
