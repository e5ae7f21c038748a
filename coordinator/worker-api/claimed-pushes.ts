import type { ResultPost } from '../../protocol/worker-schemas.ts';
import { refOf } from '../domain/ref-of.ts';
import type { TaskRow } from '../domain/task.ts';
import { hasPushedWork, type RepositoryOfTask } from '../domain/task-repository.ts';
import type { Db } from '../sqlite/database.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { findKeptCommits, hasBegunPushTo } from '../sqlite/task-pushes.ts';
import { findTaskRepository } from '../sqlite/task-repositories.ts';
import { findTask } from '../sqlite/tasks.ts';

/** A commit that a worker names as pushed to a branch of one of its task's repositories. `branch` null: to none. */
export type ClaimedPush = RepositoryOfTask & { branch: string | null; commit: string };

/**
 * What a repository says of a claimed push. `there`: it has the branch and the commit; `elsewhere`: the commit without
 * the branch; `missing`: the branch without the commit; `gone`: neither; `unknown`: it did not answer.
 */
export type PushState = 'there' | 'elsewhere' | 'missing' | 'gone' | 'unknown';

/** A claimed push that was not seen, and what its repository says of it. */
export type LookedAtPush = { push: ClaimedPush; state: PushState };

/** What a result says of each repository. `key` null: the first. */
export const outcomesOf = (result: ResultPost) => [{ ...result, key: null }, ...(result.repositories ?? [])];

/** The pushes that a result names, that no worker of the task has begun, and that the task's result does not have. */
export function unseenPushes(db: Db, task_id: string, result: ResultPost): ClaimedPush[] {
  return outcomesOf(result).flatMap(({ key, branch, commit, base_commit }) => {
    if (commit === null || !hasPushedWork({ commit, base_commit })) return [];
    const push = { task_id, key, branch, commit };
    return isSeen(db, push) || isStored(db, push) ? [] : [push];
  });
}

const isSeen = (db: Db, { branch, commit, ...where }: ClaimedPush) =>
  branch !== null && findKeptCommits(db, where, { ref: refOf(branch), commit }) !== undefined;

/**
 * Others may have moved the branch to the commit. The repository was asked for it when it was stored, and it may be
 * gone by now.
 */
function isStored(db: Db, { task_id, key, branch, commit }: ClaimedPush): boolean {
  const stored = (key === null ? findTask(db, task_id) : findTaskRepository(db, task_id, key))?.result;
  return branch !== null && stored?.branch === branch && stored.commit === commit;
}

/**
 * Whether a push may have been made. Nobody can tell of a branch of the task that was deleted, as after a merge. A
 * commit elsewhere alone says nothing: others may have made it.
 */
export function mayBePushed(db: Db, { push: { branch, ...where }, state }: LookedAtPush): boolean {
  switch (state) {
    case 'there':
    case 'unknown':
      return true;
    case 'missing':
      return false;
    case 'gone':
    case 'elsewhere':
      return branch !== null && hasBegunPushTo(db, where, refOf(branch));
  }
}

/** Which push a sentence is about. */
export function pushWords({ key, branch, commit }: ClaimedPush): { commit: string; where: string } {
  const where = `${branch === null ? '' : ` to ${branch}`}${key === null ? '' : ` in ${key}`}`;
  return { commit: commit.slice(0, 12), where };
}

/** Tells people which pushes the worker alone speaks for. */
export function tellUnsure(tx: Tx, task: TaskRow, looked_at: LookedAtPush[], at: string): void {
  for (const { push, state } of looked_at) {
    if (state !== 'unknown') continue;
    const { commit, where } = pushWords(push);
    const text = `The repository did not say whether the commit ${commit} was pushed${where}, as the worker reports.`;
    tx.tell(task, { level: 'warn', text }, at);
  }
}

/** The result without these pushes: its diffs stay, for they are nowhere else. */
export function withoutPushes(result: ResultPost, claims: ClaimedPush[]): ResultPost {
  if (claims.length === 0) return result;
  const isClaimed = (key: string | null) => claims.some((claim) => claim.key === key);
  const nowhere = { branch: null, commit: null };
  const { repositories } = result;
  return {
    ...result,
    ...(isClaimed(null) && nowhere),
    ...(repositories && {
      repositories: repositories.map((each) => (isClaimed(each.key) ? { ...each, ...nowhere } : each)),
    }),
  };
}
