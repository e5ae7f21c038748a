import { SAMPLE_REPO_URL } from '../../../../protocol/without-schemas.ts';
import type { Task } from '../../../../protocol/task.ts';
import { useSession } from '../../parts/context.ts';
import { SHORT_NAME } from './address-in.ts';

/** Whether the server took an errand for the repository with this address, and found it, as far as is known here. */
export function useProven(): (repo_url: string) => boolean {
  const { tasks, acts } = useSession();
  const taken = tasks.value?.filter(isFound).flatMap(addressesOf);
  const waiting = acts.entries.value.flatMap(({ action, refused }) =>
    action.do === 'send' && !refused ? addressesOf(action.body) : [],
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

type Places = {
  repo_url?: string | undefined;
  repositories?: readonly { repo_url?: string | undefined }[] | undefined;
};

function addressesOf({ repo_url, repositories = [] }: Places): string[] {
  return [repo_url, ...repositories.map((one) => one.repo_url)].filter((url) => url !== undefined);
}

/** Whether the server, which clones from `url`, may have read that in `text`. */
function isWrittenFor(text: string, url: string): boolean {
  const { host = url, pathname = '' } = URL.parse(url) ?? {};
  const written = text.toLowerCase();
  const named = SHORT_NAME.test(written) ? [] : [host];
  return [...named, pathname.slice(1)].every((part) => written.includes(part.toLowerCase()));
}
