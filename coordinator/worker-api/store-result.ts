import type { ResultPost } from '../../protocol/worker-schemas.ts';
import type { TaskRow } from '../domain/task.ts';
import { putDiff } from '../sqlite/diffs.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { updateResult } from '../sqlite/progress.ts';
import { findTaskRepository, putRepositoryResult } from '../sqlite/task-repositories.ts';

/** Stores what a worker did in each repository of its task, and notes it in the log. `at` is an ISO time. */
export function storeResult(tx: Tx, task: TaskRow, result: ResultPost, at: string): void {
  const { summary, branch, commit, base_commit, diff_stat, repositories = [] } = result;
  if (isNews(result.status, result, task.result)) {
    updateResult(tx.db, task.id, { summary, branch, commit, base_commit, diff_stat }, at);
    putDiff(tx.db, task.id, { diff: result.diff, truncated: result.diff_truncated });
  }
  for (const { key, diff, diff_truncated: truncated, ...outcome } of repositories) {
    const before = findTaskRepository(tx.db, task.id, key);
    if (before && isNews(result.status, { ...outcome, diff }, before.result))
      putRepositoryResult(tx.db, task.id, key, outcome, { diff, truncated }, at);
  }
  const others = repositories.map((each) => ({
    key: each.key,
    branch: each.branch,
    commit: each.commit,
    diff_stat: each.diff_stat,
  }));
  const more = others.length > 0 ? { repositories: others } : {};
  tx.note(task, { type: 'task.result', body: { summary, branch, commit, diff_stat, ...more } }, at);
}

/**
 * Whether a result takes the place of the one before. An attempt that failed before it pushed anything must not replace
 * the result of an earlier attempt, whose branch is still there. The diff of work that could not be pushed is kept: it
 * is nowhere else.
 */
function isNews(
  status: ResultPost['status'],
  { commit, diff }: Pick<ResultPost, 'commit' | 'diff'>,
  before: object | null,
): boolean {
  return status === 'succeeded' || commit !== null || before === null || diff !== '';
}
