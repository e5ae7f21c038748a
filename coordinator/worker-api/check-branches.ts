import type { ResultPost } from '../../protocol/worker-schemas.ts';
import { branchPrefix, isBranchOf } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { findTaskRepository } from '../sqlite/task-repositories.ts';
import { findTask } from '../sqlite/tasks.ts';
import { invalid, type CheckedEvent } from './validate-events.ts';

/** A branch that a worker names, in the repository with this key; undefined: in the first. */
type Named = { repository: string | undefined; branch: string | null };

/** A task, and how to find one of its repositories by the key; undefined: the first. */
export type TaskBranches = {
  task_id: string;
  find: (repository: string | undefined) => { work_branch?: string | null | undefined } | undefined;
};

const storedTask = (db: Db, task_id: string): TaskBranches => ({
  task_id,
  find: (key) => (key === undefined ? findTask(db, task_id) : findTaskRepository(db, task_id, key)),
});

/**
 * Throws `invalid` where the task has no such repository, or may not push to this branch there. `at`: of the fields.
 */
function checkBranch(
  { task_id, find }: TaskBranches,
  { repository, branch }: Named,
  at: { key: string; branch: string },
): void {
  // Most names need no look at the repository.
  if (repository === undefined && (branch === null || isBranchOf(task_id, branch))) return;
  const found = find(repository);
  if (!found && repository !== undefined)
    throw invalid(at.key, 'is not the key of one of the further repositories of this task');
  if (branch === null || isBranchOf(task_id, branch) || found?.work_branch === branch) return;
  throw invalid(at.branch, `is not a branch of this task: its name must begin with ${branchPrefix(task_id)}`);
}

/**
 * Throws `invalid` where an event names a repository that the task does not have, or a push to a branch not its own.
 */
export function checkEventBranches(db: Db, task_id: string, events: CheckedEvent[]): void {
  checkBranchesOfEvents(storedTask(db, task_id), events);
}

/** The same for a task that is stored elsewhere. */
export function checkBranchesOfEvents(task: TaskBranches, events: CheckedEvent[]): void {
  for (const [index, { acts }] of events.entries()) {
    if (acts?.type !== 'branch.pushed' && acts?.type !== 'repository.ready') continue;
    const { repository } = acts.body;
    // A clone may begin anywhere.
    const branch = acts.type === 'branch.pushed' ? acts.body.branch : null;
    const at = `/events/${index}/body`;
    checkBranch(task, { repository, branch }, { key: `${at}/repository`, branch: `${at}/branch` });
  }
}

/** Throws `invalid` where a result names a branch that is not the task's own, or a repository that it does not have. */
export function checkResultBranches(db: Db, task_id: string, result: ResultPost): void {
  checkBranchesOfResult(storedTask(db, task_id), result);
}

/** The same for a task that is stored elsewhere. */
export function checkBranchesOfResult(task: TaskBranches, { branch, repositories = [] }: ResultPost): void {
  checkBranch(task, { repository: undefined, branch }, { key: '', branch: '/branch' });
  const seen = new Set<string>();
  for (const [index, { key, branch: there }] of repositories.entries()) {
    const at = `/repositories/${index}`;
    checkBranch(task, { repository: key, branch: there }, { key: `${at}/key`, branch: `${at}/branch` });
    if (seen.has(key)) throw invalid(`${at}/key`, 'is named twice');
    seen.add(key);
  }
}
