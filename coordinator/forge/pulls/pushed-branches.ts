import { SAMPLE_REPO_URL } from '../../../protocol/task.ts';
import type { TaskRow } from '../../domain/task.ts';

/** A branch that a task has pushed. `base`: what it started from; null: the default branch. */
export type PushedBranch = { repo_url: string; branch: string; commit: string; base: string | null };

/** The branches that a task has pushed, in each repository that it changed. */
export function pushedBranches({ repo_url, base_branch, result }: TaskRow): PushedBranch[] {
  if (result === null || result.branch === null || result.commit === null || repo_url === SAMPLE_REPO_URL) return [];
  return [{ repo_url, branch: result.branch, commit: result.commit, base: base_branch }];
}
