import type { TaskRow } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { hasMessage } from '../sqlite/messages.ts';
import { listPullsOf } from '../sqlite/pulls.ts';
import { listTaskRepositories } from '../sqlite/task-repositories.ts';

/** The notes on pull requests that the agent was not told of yet. */
export function newMergedNotes(db: Db, task: TaskRow): string[] {
  return mergedNotes(db, task).filter((note) => !hasMessage(db, task.id, note));
}

/**
 * What the agent must know before it goes on with a branch of which a pull request was merged: a sentence for each.
 * After a squash or a rebase the base has the work in other commits than the branch.
 */
export function mergedNotes(db: Db, task: TaskRow): string[] {
  const others = new Map(listTaskRepositories(db, task.id).map(({ repo_url, key }) => [repo_url, key]));
  return listPullsOf(db, task.id)
    .filter(({ state, number }) => state === 'merged' && number !== null)
    .map(({ repo_url, number, head_branch, base_branch }) => {
      const key = others.get(repo_url);
      const where = key === undefined ? '' : ` in ${key}`;
      const base = base_branch ?? 'the default branch';
      return (
        `[Errand] Pull request #${number} of ${head_branch}${where} was merged into ${base}. Before you change anything ` +
        `there, fetch ${base} and merge it. If it was squashed or rebased, your commits may conflict with their own ` +
        `copies: take those of ${base}, which reviewers have seen.`
      );
    });
}
