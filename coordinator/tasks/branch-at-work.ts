import { ErrandError } from '../../protocol/problem.ts';
import { isSameRepository } from '../domain/repository-identity.ts';
import { branchPrefixes, taskOfBranch, type TaskRow } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { findOpenTask, listTasksAtBranch, listTasksAtBranchesOf, type TaskAtBranch } from '../sqlite/tasks.ts';

/** What of a task says to which branches it pushes. `id` undefined: it is to be created. */
type Pushing = Pick<TaskRow, 'repo_url' | 'work_branch'> & { id?: string };

/**
 * Another task that has not ended, and pushes to a branch that this one pushes to: the branch that both were told, or one
 * that is the other's own. `branch`: that branch.
 */
export function findOtherAtBranch(
  db: Db,
  { id, repo_url, work_branch }: Pushing,
): (TaskAtBranch & { branch: string }) | undefined {
  const owner = work_branch === null ? undefined : taskOfBranch(work_branch);
  const others = [
    ...(work_branch === null ? [] : listTasksAtBranch(db, work_branch)),
    ...(owner === undefined ? [] : [findOpenTask(db, owner) ?? []].flat()),
    ...(id === undefined ? [] : branchPrefixes(id).flatMap((prefix) => listTasksAtBranchesOf(db, prefix))),
  ];
  const other = others.find((task) => task.id !== id && isSameRepository(task.repo_url, repo_url));
  if (!other) return undefined;
  const named = work_branch !== null && (other.work_branch === work_branch || other.id === owner);
  return { ...other, branch: (named ? work_branch : other.work_branch) ?? '' };
}

/** Throws `conflict` while another task works on the branch: the two would only get in each other's way. */
export function requireFreeBranch(db: Db, user_id: string, task: Pushing): void {
  const other = findOtherAtBranch(db, task);
  if (!other) return;
  const is_own = other.user_id === user_id;
  const whose = is_own ? 'An errand of yours' : "Somebody else's errand";
  const advice = is_own ? 'send it a message' : 'wait until it has ended';
  const is_new = task.id === undefined;
  throw new ErrandError(
    'conflict',
    `${whose} works on the branch ${other.branch} now: ${advice}${is_new ? ', or name another branch' : ''}.`,
    is_new ? { errors: [{ field: '/work_branch', message: 'has an errand that works on it' }] } : {},
  );
}
