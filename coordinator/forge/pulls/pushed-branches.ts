import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import type { TaskRow } from '../../domain/task.ts';
import { firstKey } from '../../domain/task-repository.ts';
import type { Db } from '../../sqlite/database.ts';
import { listTaskRepositories } from '../../sqlite/task-repositories.ts';

/**
 * A branch that a task has pushed. `key` and `project_id`: of its repository. `base`: the branch that it started from;
 * null: the default one.
 */
export type PushedBranch = {
  key: string;
  repo_url: string;
  project_id: string | null;
  branch: string;
  commit: string;
  base_commit: string | null;
  base: string | null;
};

/** The branches that a task has pushed, in each repository that it changed. */
export function pushedBranches(db: Db, task: TaskRow): PushedBranch[] {
  return repositoriesOf(db, task).flatMap(({ key, repo_url, project_id, base_branch: base, result }) => {
    const { branch = null, commit = null, base_commit = null } = result ?? {};
    if (branch === null || commit === null || repo_url === SAMPLE_REPO_URL) return [];
    return [{ key, repo_url, project_id, branch, commit, base_commit, base }];
  });
}

/** The repositories of a task, the first one first. */
export function repositoriesOf(db: Db, task: TaskRow) {
  return [{ ...task, key: firstKey(task) }, ...listTaskRepositories(db, task.id)];
}
