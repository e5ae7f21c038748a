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
  let id_length = commit.length;
  await readRefs(ask, (name, id) => {
    if (name === ref) tips.push(id);
    id_length = id.length;
  });
  const has_branch = tips.length > 0;
  // Git reads the beginning of an id that is too long.
  const has_commit = tips.includes(commit) || (commit.length === id_length && (await hasCommit(ask, commit)));
  if (has_commit) return has_branch ? 'there' : 'elsewhere';
  return has_branch ? 'missing' : 'gone';
}
