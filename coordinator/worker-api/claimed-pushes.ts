import type { ResultPost } from '../../protocol/worker-schemas.ts';
import { refOf } from '../domain/ref-of.ts';
import { hasPushedWork, type RepositoryOfTask } from '../domain/task-repository.ts';
import type { Db } from '../sqlite/database.ts';
import { findKeptCommits } from '../sqlite/task-pushes.ts';

/** A commit that a worker names as pushed to a branch of one of its task's repositories. `branch` null: to none. */
export type ClaimedPush = RepositoryOfTask & { branch: string | null; commit: string };

/** The pushes that a result names and that no worker of the task has begun. */
export function unseenPushes(db: Db, task_id: string, result: ResultPost): ClaimedPush[] {
  const outcomes = [{ ...result, key: null }, ...(result.repositories ?? [])];
  return outcomes.flatMap(({ key, branch, commit, base_commit }) => {
    if (commit === null || !hasPushedWork({ commit, base_commit })) return [];
    const is_seen = branch !== null && findKeptCommits(db, { task_id, key }, { ref: refOf(branch), commit });
    return is_seen ? [] : [{ task_id, key, branch, commit }];
  });
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
