import { ErrandError } from '../../protocol/problem.ts';
import { isSameRepository } from '../domain/repository-identity.ts';
import { branchPrefixes, taskOfBranch, type TaskRow } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { listTaskRepositories } from '../sqlite/task-repositories.ts';
import {
  listRepositoriesAtWork,
  listTasksAtBranch,
  listTasksAtBranchesOf,
  type TaskAtBranch,
} from '../sqlite/tasks-at-branch.ts';

/** A repository that is worked in, and the branch there that its person named. */
type Place = Pick<TaskRow, 'repo_url' | 'work_branch'>;
/** Another task, and the branch that both push to. */
type OtherAtBranch = TaskAtBranch & { branch: string };

/**
 * Another task that has not ended, and pushes to a branch that this one pushes to, in any of its repositories: the branch
 * that both were told, or one that is the other's own.
 */
export function findOtherAtBranch(db: Db, task: Place & { id: string }): OtherAtBranch | undefined {
  for (const place of [task, ...listTaskRepositories(db, task.id)]) {
    const other = findOtherAt(db, place, task.id);
    if (other) return other;
  }
  return undefined;
}

/** Throws `conflict` while another task works on a branch of this one: the two would only get in each other's way. */
export function requireFreeBranches(db: Db, user_id: string, task: Place & { id: string }): void {
  const other = findOtherAtBranch(db, task);
  if (other) throw new ErrandError('conflict', `${conflictWith(other, user_id)}.`);
}

/** The same for a repository of a task that is to be created. `field`: names the branch in its request. */
export function requireFreeBranch(db: Db, user_id: string, place: Place, field: string): void {
  const other = findOtherAt(db, place, undefined);
  if (!other) return;
  const errors = [{ field, message: 'has an errand that works on it' }];
  throw new ErrandError('conflict', `${conflictWith(other, user_id)}, or name another branch.`, { errors });
}

function findOtherAt(db: Db, { repo_url, work_branch }: Place, id: string | undefined): OtherAtBranch | undefined {
  const owner = work_branch === null ? undefined : taskOfBranch(work_branch);
  const others = [
    ...(work_branch === null ? [] : listTasksAtBranch(db, work_branch)),
    ...(owner === undefined ? [] : listRepositoriesAtWork(db, owner)),
    ...(id === undefined ? [] : branchPrefixes(id).flatMap((prefix) => listTasksAtBranchesOf(db, prefix))),
  ];
  const other = others.find((task) => task.id !== id && isSameRepository(task.repo_url, repo_url));
  if (!other) return undefined;
  const named = work_branch !== null && (other.work_branch === work_branch || other.id === owner);
  return { ...other, branch: (named ? work_branch : other.work_branch) ?? '' };
}

function conflictWith(other: OtherAtBranch, user_id: string): string {
  const is_own = other.user_id === user_id;
  const whose = is_own ? 'An errand of yours' : "Somebody else's errand";
  return `${whose} works on the branch ${other.branch} now: ${is_own ? 'send it a message' : 'wait until it has ended'}`;
}
