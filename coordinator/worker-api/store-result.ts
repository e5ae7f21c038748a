import type { ResultPost } from '../../protocol/worker-schemas.ts';
import type { RepositoryOutcome } from '../domain/task-repository.ts';
import type { TaskRow } from '../domain/task.ts';
import { putDiff } from '../sqlite/diffs.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { updateResult } from '../sqlite/progress.ts';
import { findTaskRepository, putRepositoryResult } from '../sqlite/task-repositories.ts';
import type { CheckedResult } from './read-callbacks.ts';

const HAD_SECRET =
  'A secret of the project stands in the changes. It is masked here, but the commit may have it: replace the secret, and ' +
  'take it out of the branch.';

/** Stores what a worker did in each repository of its task, and notes it in the log. `at` is an ISO time. */
export function storeResult(tx: Tx, task: TaskRow, { result, had_secret }: CheckedResult, at: string): void {
  const { status, summary, repositories = [] } = result;
  const first = outcomeAfter(status, result, task.result);
  if (first.is_new) putDiff(tx.db, task.id, { diff: result.diff, truncated: result.diff_truncated });
  // An attempt may have new words where it brought nothing; without words, the earlier ones stay.
  const newest = summary === '' && task.result !== null ? task.result.summary : summary;
  updateResult(tx.db, task.id, { ...first.outcome, summary: newest }, at);
  const others = repositories.map(({ key, diff, diff_truncated: truncated, ...reported }) => {
    const before = findTaskRepository(tx.db, task.id, key)?.result ?? null;
    const { outcome, is_new } = outcomeAfter(status, { ...reported, diff }, before);
    if (is_new) putRepositoryResult(tx.db, task.id, key, outcome, { diff, truncated }, at);
    return { key, ...shown(outcome) };
  });
  const more = {
    ...(others.length > 0 && { repositories: others }),
    ...(had_secret && { warning: HAD_SECRET }),
  };
  tx.note(task, { type: 'task.result', body: { summary, ...shown(first.outcome), ...more } }, at);
}

type Reported = RepositoryOutcome & Pick<ResultPost, 'held_commit' | 'diff'>;

/**
 * What is done in a repository once its worker has reported. An attempt that brought nothing must not replace what an
 * earlier one has pushed, whose branch is still there: one that failed, or that only answered. The diff of work that
 * could not be pushed is new: it is nowhere else.
 */
function outcomeAfter(
  status: ResultPost['status'],
  { branch, commit, base_commit, diff_stat, held_commit, diff }: Reported,
  before: RepositoryOutcome | null,
): { outcome: RepositoryOutcome; is_new: boolean } {
  const brings_nothing = commit === null && held_commit === undefined && diff === '';
  const stays = before !== null && (status !== 'succeeded' || before.commit !== null);
  if (brings_nothing && stays) return { outcome: before, is_new: false };
  const place = commit === null && before !== null && before.commit !== null ? before : { branch, commit };
  return { outcome: { branch: place.branch, commit: place.commit, base_commit, diff_stat }, is_new: true };
}

function shown({ branch, commit, diff_stat }: RepositoryOutcome): Omit<RepositoryOutcome, 'base_commit'> {
  return { branch, commit, diff_stat };
}
