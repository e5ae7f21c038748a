import type { ResultPost } from '../../protocol/worker-schemas.ts';
import { branchPrefix, isBranchOf } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { findTaskRepository } from '../sqlite/task-repositories.ts';
import { findTask } from '../sqlite/tasks.ts';
import { invalid, type CheckedEvent } from './validate-events.ts';

/** A branch that a worker names, in the repository with this key; undefined: in the first. */
type Named = { repository: string | undefined; branch: string | null };

/**
 * Throws `invalid` where the task has no such repository, or may not push to this branch there. `at`: of the fields.
 */
function checkBranch(
  db: Db,
  task_id: string,
  { repository, branch }: Named,
  at: { key: string; branch: string },
): void {
  const other = repository === undefined ? undefined : findTaskRepository(db, task_id, repository);
  if (!other && repository !== undefined)
    throw invalid(at.key, 'is not the key of one of the further repositories of this task');
  if (branch === null || isBranchOf(task_id, branch)) return;
  if ((other ?? findTask(db, task_id))?.work_branch === branch) return;
  throw invalid(at.branch, `is not a branch of this task: its name must begin with ${branchPrefix(task_id)}`);
}

/**
 * Throws `invalid` where an event names a repository that the task does not have, or a push to a branch not its own.
 */
export function checkEventBranches(db: Db, task_id: string, events: CheckedEvent[]): void {
  for (const [index, { acts }] of events.entries()) {
    if (acts?.type !== 'branch.pushed' && acts?.type !== 'repository.ready') continue;
    const { repository } = acts.body;
    // A clone may begin anywhere.
    const branch = acts.type === 'branch.pushed' ? acts.body.branch : null;
    const at = `/events/${index}/body`;
    checkBranch(db, task_id, { repository, branch }, { key: `${at}/repository`, branch: `${at}/branch` });
  }
}

/** Throws `invalid` where a result names a branch that is not the task's own, or a repository that it does not have. */
export function checkResultBranches(db: Db, task_id: string, { branch, repositories = [] }: ResultPost): void {
  checkBranch(db, task_id, { repository: undefined, branch }, { key: '', branch: '/branch' });
  const seen = new Set<string>();
  for (const [index, { key, branch: there }] of repositories.entries()) {
    const at = `/repositories/${index}`;
    checkBranch(db, task_id, { repository: key, branch: there }, { key: `${at}/key`, branch: `${at}/branch` });
    if (seen.has(key)) throw invalid(`${at}/key`, 'is named twice');
    seen.add(key);
  }
}
