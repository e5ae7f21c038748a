import { branchPrefix, isBranchOf } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { findTask } from '../sqlite/tasks.ts';
import { invalid, type CheckedEvent } from './validate-events.ts';

/** Throws `invalid` where the task may not push to this branch. */
export function checkBranch(db: Db, task_id: string, branch: string, field: string): void {
  if (isBranchOf(task_id, branch) || findTask(db, task_id)?.work_branch === branch) return;
  throw invalid(field, `is not a branch of this task: its name must begin with ${branchPrefix(task_id)}`);
}

/** Throws `invalid` where an event says that the task has pushed to a branch that is not its own. */
export function checkPushedBranches(db: Db, task_id: string, events: CheckedEvent[]): void {
  for (const [index, { acts }] of events.entries())
    if (acts?.type === 'branch.pushed') checkBranch(db, task_id, acts.body.branch, `/events/${index}/body/branch`);
}
