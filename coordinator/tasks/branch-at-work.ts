import { ErrandError } from '../../protocol/problem.ts';
import { isSameRepository } from '../../protocol/repository-identity.ts';
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
 * Another task that has not ended, and pushes to a branch that this one pushes to, in any of its repositories: the
 * branch that both were given, or one that is the other's own.
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
  if (other) throw branchTaken(other, user_id, field);
}

/** The refusal of a branch that another task pushes to. `field`: names the branch in the request. */
export function branchTaken(other: OtherAtBranch, user_id: string, field: string): ErrandError {
  const errors = [{ field, message: 'has an errand that works on it' }];
  return new ErrandError('conflict', `${conflictWith(other, user_id)}, or name another branch.`, { errors });
}

/** The tasks that have not ended and push to this branch, in any repository. */
export function listOthersAtBranch(db: Db, branch: string): OtherAtBranch[] {
  const owner = taskOfBranch(branch);
  const others = [...listTasksAtBranch(db, branch), ...(owner === undefined ? [] : listRepositoriesAtWork(db, owner))];
  return others.map((other) => ({ ...other, branch }));
}

function findOtherAt(db: Db, { repo_url, work_branch }: Place, id: string | undefined): OtherAtBranch | undefined {
  const at_own = id === undefined ? [] : branchPrefixes(id).flatMap((prefix) => listTasksAtBranchesOf(db, prefix));
  const others = [
    ...(work_branch === null ? [] : listOthersAtBranch(db, work_branch)),
    ...at_own.map((other) => ({ ...other, branch: other.work_branch ?? '' })),
  ];
  return others.find((task) => task.id !== id && isSameRepository(task.repo_url, repo_url));
}

function conflictWith(other: OtherAtBranch, user_id: string): string {
  const is_own = other.user_id === user_id;
  const whose = is_own ? 'An errand of yours' : "Somebody else's errand";
  return `${whose} works on the branch ${other.branch} now: ${is_own ? 'send it a message' : 'wait until it has ended'}`;
}
