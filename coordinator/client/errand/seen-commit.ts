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

type Seen = Pick<PullRequest, 'head' | 'base' | 'told_commit'>;

/**
 * What the person has seen of a pull request, which is all that they agree to. A server that tells no `told_commit`
 * is older than `base`, and would refuse it.
 */
export function seenOf({ head, base, told_commit }: Seen): { commit: string; base?: string } {
  return { commit: head.commit, ...(base !== null && told_commit !== undefined && { base }) };
}

/** The page of a pull request on its forge that shows its changes; null: it has none yet. */
export function changesPage({ url }: PullRequest): string | null {
  return url === null ? null : `${url}/files`;
}
