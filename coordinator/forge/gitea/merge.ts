import type { Access, PullMerging, RepositoryName } from '../forge.ts';
import { mergeRefusal, type ObstacleWords } from '../merge-refused.ts';
import { pathOf, type RestApi } from '../rest-api.ts';

/** Gitea answers 405 or 409, and to a conflict without a message. */
const WORDS: ObstacleWords = [
  [/head out of date/i, 'moved'],
  [/push out of date/i, 'busy'],
  [/work in progress/i, 'draft'],
  [/merge style/i, 'method'],
  [/status checks?/i, 'checks'],
  [/approvals?|requested changes|review/i, 'review'],
  [/behind the base/i, 'behind'],
  [/not allowed to merge|protected|push ?rejected|\bsign/i, 'protected'],
  [/try again later|conflict|answered 409\.$/i, 'conflicts'],
];

/** Merges a pull request, with the title and text that Gitea gives the commit by default. */
export async function mergePull(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
  { commit, method }: PullMerging,
): Promise<void> {
  const path = pathOf('repos', owner, name, 'pulls', number, 'merge');
  try {
    await api.send(access, { method: 'POST', path, body: { Do: method, head_commit_id: commit } });
  } catch (error) {
    throw mergeRefusal(error, WORDS);
  }
}
