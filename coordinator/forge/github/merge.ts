import type { Access, PullMerging, RepositoryName } from '../forge.ts';
import { mergeRefusal, type ObstacleWords } from '../merge-refused.ts';
import { pathOf, type RestApi } from '../rest-api.ts';

/** GitHub answers 405 or 409 with a sentence, or names the rules of a ruleset one after the other. */
const WORDS: ObstacleWords = [
  [/head branch was modified/i, 'moved'],
  [/base branch was modified|already in progress/i, 'busy'],
  [/merge queue/i, 'queue'],
  [/\b(status checks?|required workflows?|deployments?|code scanning)\b/i, 'checks'],
  [/\breviews?\b|\bapprovals?\b|code owner|changes? (were |have been )?requested/i, 'review'],
  [/(merge commits?|squash merges?|rebase merges?)\b.* not allowed|must not contain merge commits|linear/i, 'method'],
  [/out.of.date|not up.to.date|behind/i, 'behind'],
  [/draft/i, 'draft'],
  [/conflict|not mergeable|can(no|')t be rebased/i, 'conflicts'],
  [/not authorized to push|protected branch|rule violations|locked|signatures?/i, 'protected'],
];

/** Merges a pull request, with the title and text that the repository's settings give the commit. */
export async function mergePull(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
  { commit, method }: PullMerging,
): Promise<void> {
  const path = pathOf('repos', owner, name, 'pulls', number, 'merge');
  try {
    await api.send(access, { method: 'PUT', path, body: { sha: commit, merge_method: method } });
  } catch (error) {
    throw mergeRefusal(error, WORDS);
  }
}
