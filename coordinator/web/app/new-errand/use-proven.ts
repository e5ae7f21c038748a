import { SAMPLE_REPO_URL } from '../../../../protocol/without-schemas.ts';
import type { Task } from '../../../../protocol/task.ts';
import { useSession } from '../../parts/context.ts';

/** Whether the server took an errand for the repository with this address, and found it, as far as is known here. */
export function useProven(): (repo_url: string) => boolean {
  const { tasks, acts } = useSession();
  const taken = tasks.value?.filter(isFound).map(({ repo_url }) => repo_url);
  const waiting = acts.entries.value.flatMap(({ action, refused }) =>
    action.do === 'send' && !refused ? [action.body.repo_url] : [],
  );
  return (repo_url) =>
    repo_url === SAMPLE_REPO_URL ||
    taken === undefined ||
    waiting.includes(repo_url) ||
    taken.some((url) => isWrittenFor(repo_url, url));
}

/** Whether an errand found its repository. Where it was to start from a branch, that may be what was missing. */
export function isFound({ reason, base_branch }: Pick<Task, 'reason' | 'base_branch'>): boolean {
  return reason !== 'repository_not_found' || base_branch !== null;
}

/** Whether the server, which clones from `url`, may have read that in `text`. */
function isWrittenFor(text: string, url: string): boolean {
  const { host = url, pathname = '' } = URL.parse(url) ?? {};
  const written = text.toLowerCase();
  return [host, pathname.slice(1)].every((part) => written.includes(part.toLowerCase()));
}
