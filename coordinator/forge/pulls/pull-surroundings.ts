import type { PullRow } from '../../domain/pull.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Db } from '../../sqlite/database.ts';
import { listPullsOf } from '../../sqlite/pulls.ts';
import { numbersRead } from '../thread-reads.ts';
import { repositoriesOf } from './pushed-branches.ts';

/**
 * What the rest of its errand says of a pull request. `project_id`: of its repository, whose token is used there; null:
 * of no project. `others`: the addresses of the errand's pull requests in other repositories, which its text links to.
 * `numbers_read`: the issues of the repository that the agent was given beside its prompt. `merged`: the branch had an
 * earlier one, which was merged with this commit as its newest.
 */
export type PullSurroundings = {
  project_id: string | null;
  others: string[];
  numbers_read: ReadonlySet<number>;
  merged: { number: number; commit: string } | undefined;
};

/** Reads them as they are now. */
export function pullSurroundings(db: Db, task: TaskRow, row: PullRow): PullSurroundings {
  const repository = repositoriesOf(db, task).find(({ repo_url }) => repo_url === row.repo_url);
  // The newest one of each repository: an earlier one was merged or closed.
  const others = new Map<string, string>();
  const pulls = listPullsOf(db, task.id);
  for (const { repo_url, url, state } of pulls)
    if (repo_url !== row.repo_url && url !== null && state !== 'closed') others.set(repo_url, url);
  const before = pulls.findLast(
    ({ id, repo_url, head_branch, state }) =>
      id < row.id && repo_url === row.repo_url && head_branch === row.head_branch && state === 'merged',
  );
  const merged = before?.number ? { number: before.number, commit: before.head_commit } : undefined;
  const key = row.repo_url === task.repo_url ? undefined : repository?.key;
  const numbers_read = numbersRead(db, task.id, key);
  return { project_id: repository?.project_id ?? null, others: [...others.values()], numbers_read, merged };
}
