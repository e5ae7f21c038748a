import { ErrandError } from '../../../protocol/problem.ts';
import type { PullRow } from '../../domain/pull.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Db } from '../../sqlite/database.ts';
import { listPullsOf } from '../../sqlite/pulls.ts';
import { requireTask } from '../../tasks/task-commands.ts';
import { repositoriesOf } from './pushed-branches.ts';

/** A pull request that is, or was, open on its forge. `project_id`: of its repository, whose token is used there. */
export type ChosenPull = {
  task: TaskRow;
  row: PullRow & { number: number };
  project_id: string | null;
};

/**
 * The newest pull request of a task in this repository, which is named by its key; undefined: in the only one that has
 * some. Throws `not_found` for an unknown task or repository, `conflict` if there is none, and `invalid` if several
 * repositories have some and none is named.
 */
export function choosePull(db: Db, user_id: string, task_id: string, repository: string | undefined): ChosenPull {
  const task = requireTask(db, user_id, task_id);
  const all = repositoriesOf(db, task);
  if (repository !== undefined && !all.some(({ key }) => key === repository))
    throw new ErrandError('not_found', `The errand has no repository ${repository}.`);
  const opened = listPullsOf(db, task.id).filter(hasNumber);
  const found = all.flatMap(({ key, repo_url, project_id }) => {
    const row = opened.findLast((pull) => pull.repo_url === repo_url);
    return row && (repository === undefined || key === repository) ? [{ key, task, row, project_id }] : [];
  });
  const [only, ...others] = found;
  if (!only) throw new ErrandError('conflict', 'The errand has no pull request there that is open.');
  if (others.length === 0) return only;
  const keys = found.map(({ key }) => key).join(', ');
  const message = `is missing: the errand has pull requests in ${keys}`;
  throw new ErrandError('invalid', `The request is not valid: /repository ${message}`, {
    errors: [{ field: '/repository', message }],
  });
}

function hasNumber(row: PullRow): row is PullRow & { number: number } {
  return row.number !== null;
}
