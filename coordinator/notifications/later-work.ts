import { isNewWork } from '../../protocol/pulls.ts';
import { getsNewPull, type PullRow } from '../domain/pull.ts';
import { hasPushedWork } from '../domain/task-repository.ts';
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
  const where = pull && whereTo(db, pull, task);
  return where ? `Pull request #${pull.number} is ${pull.state} already: this work ${where}.` : '';
}

/** The same of a pull request that turns out to be merged: the end of a sentence. */
export function workAfterMerge(db: Db, task: TaskRow, pull: PullRow): string {
  const where = pull.state === 'merged' ? whereTo(db, pull, task) : '';
  return where && `newer work ${where}`;
}

/** What becomes of the work that a task has pushed after a pull request of its branch ended; empty: there is none. */
function whereTo(db: Db, pull: PullRow, { project_id, result }: TaskRow): string {
  const has_ended = pull.state === 'merged' || pull.state === 'closed';
  if (!has_ended || result?.branch !== pull.head_branch || result.commit === null) return '';
  const { commit, base_commit } = result;
  if (!hasPushedWork(result) || !isNewWork(pull, commit)) return '';
  const wanted = project_id === null ? undefined : findProject(db, project_id)?.pull_requests;
  const opens = wanted !== undefined && wanted !== 'none' && getsNewPull(pull, { commit, base_commit });
  return opens ? 'gets a new one' : 'is in none yet';
}
