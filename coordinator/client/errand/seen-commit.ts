import type { PullRequest } from '../../../protocol/pulls.ts';
import type { Task } from '../../../protocol/task.ts';

/**
 * The commit whose changes the errand shows, where that is not the newest one of its pull request: others may have
 * pushed. Undefined: it is, or is not known.
 */
export function otherSeenCommit({ result, repositories }: Task, { repo_url, head }: PullRequest): string | undefined {
  const of = repositories ? repositories.find((each) => each.repo_url === repo_url) : result;
  const commit = of?.commit ?? head.commit;
  return commit === head.commit ? undefined : commit;
}

/** The page of a pull request on its forge that shows its changes; null: it has none yet. */
export function changesPage({ url }: PullRequest): string | null {
  return url === null ? null : `${url}/files`;
}
