import { z } from 'zod';
import { answerJob } from '../answer-job.ts';
import { Line } from '../forge-text.ts';
import type { Access, PullMerging, RepositoryName } from '../forge.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import { MergeRefused, mergeRefusal, type ObstacleWords } from '../merge-refused.ts';
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

const HERE = 'coordinator/forge/gitea/merge.ts';
export const MERGE_BASE = answerJob(
  HERE,
  'MERGE_BASE',
  z.object({ mergeable: z.boolean().nullish(), merge_base: Line, base: z.object({ sha: Line }) }),
);

/** Merges a pull request, with the title that Gitea gives the commit by default, and no text. */
export async function mergePull(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
  { commit, method }: PullMerging,
): Promise<void> {
  const path = pathOf('repos', owner, name, 'pulls', number);
  if (method === 'fast-forward-only') await requireUpToDate(api, access, path);
  try {
    await api.send(access, { method: 'POST', path: `${path}/merge`, body: { Do: method, head_commit_id: commit } });
  } catch (error) {
    throw mergeRefusal(error, WORDS);
  }
}

/** Gitea answers 500 where it cannot fast-forward. Until it knows whether it can merge, its own answer says so. */
async function requireUpToDate(api: RestApi, access: Access, path: string): Promise<void> {
  const { mergeable, merge_base, base } = await api.call(access, { path }, MERGE_BASE);
  if (mergeable !== true || merge_base === base.sha) return;
  throw new MergeRefused('behind', new ForgeApiError('invalid', `${api.host} says that the base has moved on.`));
}
