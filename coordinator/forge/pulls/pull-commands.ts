import { ErrandError } from '../../../protocol/problem.ts';
import type { PullAuthor, PullCreate } from '../../../protocol/pulls.ts';
import { changedFields, getsNewPull, newPull, pullView, type PullRow } from '../../domain/pull.ts';
import type { ProjectRow } from '../../domain/project.ts';
import { hasPushedWork } from '../../domain/task-repository.ts';
import type { TaskRow } from '../../domain/task.ts';
import type { Tx } from '../../sqlite/event-log.ts';
import { findProject } from '../../sqlite/projects.ts';
import { findPull, hurryPull, insertPull, listPullsOf, updatePull } from '../../sqlite/pulls.ts';
import { findTask } from '../../sqlite/tasks.ts';
import { requireTask } from '../../tasks/task-commands.ts';
import { pushedBranches, repositoriesOf, type PushedBranch } from './pushed-branches.ts';
import { pullTitleOf } from '../../../protocol/pull-title.ts';

/*
 * What happens to the pull requests of a task, each in the caller's transaction. None of it asks a forge: a row that is
 * due does, by the `PullKeeper`, which every change here wakes.
 */

/**
 * A person asks for the pull requests of a task. What is open already is looked at anew, and what failed is tried
 * again. In one repository alone if the wish names it. Throws `conflict` if there is no pushed work, `not_found` for
 * an unknown repository.
 */
export function askForPulls(tx: Tx, user_id: string, task_id: string, wish: PullCreate, at: string): TaskRow {
  const task = requireTask(tx.db, user_id, task_id);
  const { repository } = wish;
  if (repository !== undefined && !repositoriesOf(tx.db, task).some(({ key }) => key === repository))
    throw new ErrandError('not_found', `The errand has no repository ${repository}.`);
  const pushed = pushedBranches(tx.db, task).filter(({ key }) => repository === undefined || key === repository);
  const branches = pushed.filter((each) => hasPushedWork(each) || pullOf(tx, task.id, each)?.state === 'open');
  if (branches.length === 0)
    throw new ErrandError('conflict', 'There is no pushed work that a pull request could be opened from.');
  for (const branch of branches) wantPull(tx, task, branch, wish, at);
  return task;
}

/**
 * The task has succeeded: its open pull requests are told of it, and those that its project wants are opened. What was
 * pushed to the branch of a merged one gets a new one; where a person has closed it, none is opened by itself. Nor is
 * one for work that was taken back.
 */
export function pullsAfterSuccess(tx: Tx, task: TaskRow, at: string): void {
  for (const branch of pushedBranches(tx.db, task)) pullAfterSuccess(tx, task, branch, at);
}

/** The same for the branch of a pull request alone, which had ended before that was known here. */
export function pullAfterEnd(
  tx: Tx,
  task: TaskRow,
  { repo_url, head_branch }: Pick<PullRow, 'repo_url' | 'head_branch'>,
  at: string,
): void {
  const pushed = pushedBranches(tx.db, task);
  const branch = pushed.find((each) => each.repo_url === repo_url && each.branch === head_branch);
  if (branch) pullAfterSuccess(tx, task, branch, at);
}

function pullAfterSuccess(tx: Tx, task: TaskRow, branch: PushedBranch, at: string): void {
  const wanted = projectOf(tx, task, branch)?.pull_requests ?? 'none';
  const before = pullOf(tx, task.id, branch);
  if (before?.state === 'open') {
    // The checks and the conflicts are those of the commit before.
    const unknown = before.head_commit === branch.commit ? {} : { checks: null, conflicts: false };
    changePull(tx, before.id, { head_commit: branch.commit, ...unknown, next_look_at: at }, at);
  } else if (wanted !== 'none' && isMissing(before, branch)) wantPull(tx, task, branch, {}, at);
}

/** Has the open pull requests of a task looked at now. */
export function lookAtPulls(tx: Tx, task_id: string, at: string): void {
  for (const { id, state } of listPullsOf(tx.db, task_id)) if (state === 'open') hurryPull(tx.db, id, at);
  tx.announce('pulls');
}

/** Whether a branch has no pull request for the work that was pushed, and no person has closed it. */
function isMissing(pull: PullRow | undefined, branch: PushedBranch): boolean {
  if (!hasPushedWork(branch)) return false;
  switch (pull?.state) {
    case 'open':
      return false;
    case 'merged':
    case 'closed':
      return getsNewPull(pull, branch);
    case 'opening':
    case 'failed':
    case undefined:
      return true;
  }
}

/** Stores what was learned of a pull request, and tells of it where a person is to know. False: it was deleted. */
export function changePull(tx: Tx, id: string, change: Partial<PullRow>, at: string): boolean {
  const before = findPull(tx.db, id);
  const task = before && findTask(tx.db, before.task_id);
  if (!before || !task) return false;
  const after = { ...before, ...change };
  const changed = changedFields(before, after);
  const now = changed.length > 0 ? { ...after, updated_at: at } : after;
  updatePull(tx.db, now);
  tx.announce('pulls');
  if (changed.length === 0) return true;
  const pull = pullView(now);
  const opened = before.number === null && after.number !== null;
  if (opened) {
    tx.note(task, { type: 'pull.opened', body: { pull } }, at);
    linkOthers(tx, now, at);
  } else tx.note(task, { type: 'pull.changed', body: { pull, changed } }, at);
  return true;
}

function wantPull(tx: Tx, task: TaskRow, branch: PushedBranch, wish: PullCreate, at: string): void {
  const project = projectOf(tx, task, branch);
  const before = pullOf(tx, task.id, branch);
  const draft = wish.draft ?? project?.pull_requests === 'draft';
  const author = wish.author ?? project?.pull_author ?? 'app';
  const again = { head_commit: branch.commit, problem: null, failures: 0, next_look_at: at, wished_at: at };
  switch (before?.state) {
    case 'open':
      hurryPull(tx.db, before.id, at);
      return tx.announce('pulls');
    case 'opening':
    case 'failed':
      changePull(tx, before.id, { ...again, state: 'opening', draft, author, wished_author: author }, at);
      return;
    case undefined:
    case 'merged':
    case 'closed':
      addPull(tx, task, branch, { draft, author }, at);
  }
}

function addPull(
  tx: Tx,
  task: TaskRow,
  branch: PushedBranch,
  wish: { draft: boolean; author: PullAuthor },
  at: string,
): void {
  const { repo_url, branch: head_branch, commit: head_commit, base: base_branch } = branch;
  const what = { task_id: task.id, repo_url, title: pullTitleOf(task), head_branch, head_commit, base_branch };
  const pull = newPull({ ...what, ...wish }, at);
  if (!insertPull(tx.db, pull)) return;
  tx.note(task, { type: 'pull.changed', body: { pull: pullView(pull), changed: ['state'] } }, at);
  tx.announce('pulls');
}

/**
 * The texts of the errand's other pull requests are to link to this one: they are due, with a text that is out of
 * date.
 */
function linkOthers(tx: Tx, { task_id, repo_url }: PullRow, at: string): void {
  for (const other of listPullsOf(tx.db, task_id))
    if (other.repo_url !== repo_url && other.state === 'open')
      changePull(tx, other.id, { told_commit: null, next_look_at: at }, at);
}

/**
 * The project that decides about a pull request: that of its repository. One that is of no project follows the first
 * repository's: without that, half of an errand's work would wait for a touch while the other half is under review.
 */
function projectOf(tx: Tx, task: TaskRow, { project_id }: PushedBranch): ProjectRow | undefined {
  const id = project_id ?? task.project_id;
  return id === null ? undefined : findProject(tx.db, id);
}

/** The newest pull request of a branch. */
function pullOf(tx: Tx, task_id: string, { repo_url, branch }: PushedBranch): PullRow | undefined {
  return listPullsOf(tx.db, task_id).findLast((pull) => pull.repo_url === repo_url && pull.head_branch === branch);
}
