import type { TaskBranches } from '../../../coordinator/worker-api/check-branches.ts';
import type { TaskAssignment } from './default-assignment.ts';

/** What decides to which branches the worker of a task may push. */
export const branchesOf = (task: TaskAssignment): TaskBranches => ({
  task_id: task.task_id,
  find: (key) => (key === undefined ? task : task.repositories?.find((other) => other.key === key)),
});
