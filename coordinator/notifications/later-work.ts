import { isNewWork, type PullRow } from '../domain/pull.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Db } from '../sqlite/database.ts';
import { findProject } from '../sqlite/projects.ts';
import { listPullsOf } from '../sqlite/pulls.ts';

/** Says that a task has pushed to the branch of a pull request that was merged or closed before; empty: it has not. */
export function laterWork(db: Db, task: TaskRow, succeeded_at: string): string {
  const { repo_url, result } = task;
  const pull = listPullsOf(db, task.id).findLast(
    (each) => each.repo_url === repo_url && each.head_branch === result?.branch && each.created_at < succeeded_at,
  );
  if (!pull || !hasLaterWork(pull, task)) return '';
  return `Pull request #${pull.number} is ${pull.state} already: this work ${whereTo(db, pull, task)}.`;
}

/** The same of a pull request that turns out to be merged: the end of a sentence. */
export function workAfterMerge(db: Db, task: TaskRow, pull: PullRow): string {
  return pull.state === 'merged' && hasLaterWork(pull, task) ? `newer work ${whereTo(db, pull, task)}` : '';
}

function hasLaterWork(pull: PullRow, { result }: TaskRow): boolean {
  const is_final = pull.state === 'merged' || pull.state === 'closed';
  return is_final && result?.branch === pull.head_branch && result.commit !== null && isNewWork(pull, result.commit);
}

function whereTo(db: Db, { state }: PullRow, { project_id }: TaskRow): string {
  const wanted = project_id === null ? undefined : findProject(db, project_id)?.pull_requests;
  const opens = state === 'merged' && wanted !== undefined && wanted !== 'none';
  return opens ? 'gets a new one' : 'is in none yet';
}
