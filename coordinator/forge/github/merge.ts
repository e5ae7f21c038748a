import { z } from 'zod';
import { pause } from '../../base/deadline.ts';
import { answerJob } from '../answer-job.ts';
import type { Access, PullMerging, RepositoryName } from '../forge.ts';
import { ForgeApiError, isLasting, undefinedIf } from '../forge-api-error.ts';
import { MergeRefused, mergeRefusal, type MergeObstacle, type ObstacleWords } from '../merge-refused.ts';
import { pathOf, type RestApi } from '../rest-api.ts';
import type { GraphqlApi, MergeRules } from './graphql.ts';

/** GitHub answers 405 or 409 with a sentence, or names the rules of a ruleset one after the other. */
const WORDS: ObstacleWords = [
  [/head branch was modified/i, 'moved'],
  [/base branch was modified|already in progress/i, 'busy'],
  [/merge queue/i, 'queue'],
  [/\b(status checks?|required workflows?|deployments?|code scanning)\b/i, 'checks'],
  [/\breviews?\b|\bapprovals?\b|code owner|changes? (were |have been )?requested/i, 'review'],
  [
    /(merge commits?|squash merges?|rebase merges?)\b.{0,100} not allowed|must not contain merge commits|linear/i,
    'method',
  ],
  [/out.of.date|not up.to.date|behind/i, 'behind'],
  [/draft/i, 'draft'],
  [/conflict|not mergeable|can(no|')t be rebased/i, 'conflicts'],
  [/not authorized to push|protected branch|rule violations|locked|signatures?/i, 'protected'],
];

const HERE = 'coordinator/forge/github/merge.ts';
export const MERGE_STATE = answerJob(HERE, 'MERGE_STATE', z.object({ mergeable_state: z.string() }));
/** GitHub begins to find the state out when it is asked. */
const UNKNOWN_MS = 1_000;
const ASKED_MAX = 4;

/**
 * Merges a pull request, with the title and text that the repository's settings give the commit. GitHub lets
 * administrators pass the rules of a branch, and its merge queue, by this call without a word, so they are not left to
 * it. Others are: GitHub says at times that a pull request is blocked which it merges when it is asked.
 */
export async function mergePull(
  api: RestApi,
  graphql: GraphqlApi,
  access: Access,
  repository: RepositoryName,
  number: number,
  { commit, method }: PullMerging,
): Promise<void> {
  const path = pathOf('repos', repository.owner, repository.name, 'pulls', number);
  const state = await readState(api, access, path);
  // Without its reason, what is blocked is refused all the same.
  const isUnknown = (error: unknown) => (state === 'blocked' ? error instanceof ForgeApiError : isLasting(error));
  const rules = await graphql.mergeRules(access, repository, number).catch(undefinedIf(isUnknown));
  const found = obstacleOf(state, rules);
  const lacksChecks =
    found === 'blocked' && (await graphql.lacksChecks(access, repository, number).catch(undefinedIf(isUnknown)));
  const obstacle = lacksChecks === true ? 'checks' : found;
  if (obstacle !== undefined) {
    const queue = obstacle === 'queue' ? ', and that its base has a merge queue' : '';
    const message = `${api.host} says that the pull request is ${state}${queue}.`;
    throw new MergeRefused(obstacle, new ForgeApiError('invalid', message));
  }
  try {
    await api.send(access, { method: 'PUT', path: `${path}/merge`, body: { sha: commit, merge_method: method } });
  } catch (error) {
    throw mergeRefusal(error, WORDS);
  }
}

async function readState(api: RestApi, access: Access, path: string): Promise<string> {
  for (let asked = 1; ; asked++) {
    const { mergeable_state } = await api.call(access, { path }, MERGE_STATE);
    if (mergeable_state !== 'unknown' || asked === ASKED_MAX) return mergeable_state;
    await pause(UNKNOWN_MS, access.signal);
  }
}

/** Why GitHub is not asked to merge; undefined: it is. `rules` undefined: the token is not told of them. */
function obstacleOf(state: string, rules: MergeRules | undefined): MergeObstacle | undefined {
  if (rules?.has_queue === true) return 'queue';
  switch (state) {
    case 'behind':
      return 'behind';
    case 'unknown':
      return 'busy';
    case 'blocked':
      if (rules?.may_pass === false) return undefined;
      return rules?.lacks_review === true ? 'review' : 'blocked';
    default:
      return undefined;
  }
}
