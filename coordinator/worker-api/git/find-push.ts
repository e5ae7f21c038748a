import type { PushState } from '../claimed-pushes.ts';
import type { AskRepository } from './backend.ts';
import { hasCommit } from './has-commit.ts';
import { readRefs } from './read-refs.ts';

/**
 * What a repository says of a push. Others may have moved its branch on, or merged and deleted it, so the commit may be
 * anywhere. Rejects where the repository does not say.
 */
export async function findPush(ask: AskRepository, ref: string, commit: string): Promise<PushState> {
  const tips: string[] = [];
  await readRefs(ask, (name, id) => {
    if (name === ref) tips.push(id);
  });
  const has_branch = tips.length > 0;
  const has_commit = tips.includes(commit) || (await hasCommit(ask, commit));
  if (has_commit) return has_branch ? 'there' : 'elsewhere';
  return has_branch ? 'missing' : 'gone';
}
