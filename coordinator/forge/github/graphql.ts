import { z } from 'zod';
import { limitEnd, NAMES_LIMIT } from '../answer-error.ts';
import { answerJob } from '../answer-job.ts';
import { cleanText } from '../forge-text.ts';
import type { Access, RepositoryName } from '../forge.ts';
import { ForgeApiError, type ForgeApiFault } from '../forge-api-error.ts';
import type { RestApi } from '../rest-api.ts';

const Answer = z.object({
  // Absent where the query was not run, such as beyond a limit.
  data: z.unknown().optional(),
  errors: z.array(z.object({ type: z.string().optional(), message: z.string() })).optional(),
});
export const ANSWER = answerJob('coordinator/forge/github/graphql.ts', 'ANSWER', Answer);

const FAULTS = new Map<string, ForgeApiFault>([
  ['NOT_FOUND', 'not_found'],
  ['FORBIDDEN', 'forbidden'],
  ['INSUFFICIENT_SCOPES', 'forbidden'],
  ['RATE_LIMITED', 'rate_limited'],
]);

/** What GitHub's REST API cannot do: drafts, and the threads of review comments. It has limits of its own. */
export class GraphqlApi {
  readonly #api: RestApi;

  constructor(api: RestApi) {
    this.#api = api;
  }

  /** Makes a draft of a pull request, or the reverse. */
  async setDraft(access: Access, node_id: string, draft: boolean): Promise<void> {
    const mutation = draft ? 'convertPullRequestToDraft' : 'markPullRequestReadyForReview';
    const query = `mutation($pull: ID!) { ${mutation}(input: { pullRequestId: $pull }) { clientMutationId } }`;
    await this.#call(access, query, { pull: node_id }, z.unknown());
  }

  /** Resolves the thread that begins with this review comment, by its number in the REST API. */
  async resolve(access: Access, { owner, name }: RepositoryName, number: number, comment: string): Promise<void> {
    const query = `query($owner: String!, $name: String!, $number: Int!, $after: String) {
      repository(owner: $owner, name: $name) { pullRequest(number: $number) {
        reviewThreads(first: 100, after: $after) {
          pageInfo { hasNextPage endCursor }
          nodes { id isResolved comments(first: 1) { nodes { fullDatabaseId } } }
        }
      } }
    }`;
    let after: string | null = null;
    for (let page = 0; page < THREAD_PAGES_MAX; page++) {
      const { nodes, pageInfo }: ThreadList = await this.#call(access, query, { owner, name, number, after }, Threads);
      const thread = nodes.find((one) => one.comments.nodes[0]?.fullDatabaseId === comment);
      if (thread !== undefined) return thread.isResolved ? undefined : this.#resolveThread(access, thread.id);
      if (!pageInfo.hasNextPage) break;
      after = pageInfo.endCursor;
    }
    throw new ForgeApiError('not_found', `${this.#api.host} has no thread that begins with the comment ${comment}.`);
  }

  /** What the rules of its base ask of a pull request. */
  async mergeRules(access: Access, { owner, name }: RepositoryName, number: number): Promise<MergeRules> {
    const query = `query($owner: String!, $name: String!, $number: Int!) {
      repository(owner: $owner, name: $name) { pullRequest(number: $number) {
        isMergeQueueEnabled viewerCanMergeAsAdmin reviewDecision
      } }
    }`;
    return this.#call(access, query, { owner, name, number }, MergeRules);
  }

  /** Whether a check that its base requires has not passed. Fine-grained tokens may not read checks. */
  async lacksChecks(access: Access, { owner, name }: RepositoryName, number: number): Promise<boolean> {
    const query = `query($owner: String!, $name: String!, $number: Int!) {
      repository(owner: $owner, name: $name) { pullRequest(number: $number) {
        commits(last: 1) { nodes { commit { statusCheckRollup { contexts(first: 100) { nodes {
          ... on CheckRun { conclusion isRequired(pullRequestNumber: $number) }
          ... on StatusContext { state isRequired(pullRequestNumber: $number) }
        } } } } } }
      } }
    }`;
    return this.#call(access, query, { owner, name, number }, LacksChecks);
  }

  async #resolveThread(access: Access, thread: string): Promise<void> {
    const query = `mutation($thread: ID!) { resolveReviewThread(input: { threadId: $thread }) { clientMutationId } }`;
    await this.#call(access, query, { thread }, z.unknown());
  }

  async #call<T extends z.ZodType>(access: Access, query: string, variables: object, schema: T): Promise<z.output<T>> {
    const call = { method: 'POST', path: '/graphql', body: { query, variables } } as const;
    const { data: answer, headers } = await this.#api.callWithHeaders(access, call, ANSWER);
    const { data, errors } = answer;
    const [error] = errors ?? [];
    if (error !== undefined) {
      const fault = FAULTS.get(error.type ?? '') ?? (NAMES_LIMIT.test(error.message) ? 'rate_limited' : 'invalid');
      const limited = fault === 'rate_limited' ? { retry_at: limitEnd(headers) } : {};
      const message = `${this.#api.host} answered: ${cleanText(error.message, 300)}`;
      throw this.#api.refusal(access, new ForgeApiError(fault, message, limited));
    }
    const read = schema.safeParse(data);
    if (read.success) return read.data;
    const message = `${this.#api.host} answered with what its API does not promise.`;
    throw new ForgeApiError('unreachable', message, { malformed: true });
  }
}

const THREAD_PAGES_MAX = 10;

const PASSED = new Set(['SUCCESS', 'NEUTRAL', 'SKIPPED']);

/** Whether a required check or status has not passed. A check that runs has the conclusion null. */
const LacksCheck = z
  .object({ isRequired: z.boolean(), conclusion: z.string().nullish(), state: z.string().optional() })
  .transform(({ isRequired, conclusion, state }) => isRequired && !PASSED.has(state ?? conclusion ?? ''));

/** The rollup is null where there are no checks. */
const LacksChecks = z
  .object({
    repository: z.object({
      pullRequest: z.object({
        commits: z.object({
          nodes: z.array(
            z.object({
              commit: z.object({
                statusCheckRollup: z
                  .object({ contexts: z.object({ nodes: z.array(LacksCheck.nullable()) }) })
                  .nullable(),
              }),
            }),
          ),
        }),
      }),
    }),
  })
  .transform(({ repository }) => {
    const [newest] = repository.pullRequest.commits.nodes;
    return newest?.commit.statusCheckRollup?.contexts.nodes.includes(true) === true;
  });

/** A decision is null where no review is required. */
const MergeRules = z
  .object({
    repository: z.object({
      pullRequest: z.object({
        isMergeQueueEnabled: z.boolean(),
        viewerCanMergeAsAdmin: z.boolean(),
        reviewDecision: z.string().nullable(),
      }),
    }),
  })
  .transform(({ repository: { pullRequest } }) => {
    const { isMergeQueueEnabled, viewerCanMergeAsAdmin, reviewDecision } = pullRequest;
    return {
      has_queue: isMergeQueueEnabled,
      /** Whether the token may pass the rules. */
      may_pass: viewerCanMergeAsAdmin,
      lacks_review: reviewDecision !== 'APPROVED' && reviewDecision !== null,
    };
  });
export type MergeRules = z.output<typeof MergeRules>;

const Threads = z
  .object({
    repository: z.object({
      pullRequest: z.object({
        reviewThreads: z.object({
          pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string().nullable() }),
          nodes: z.array(
            z.object({
              id: z.string(),
              isResolved: z.boolean(),
              comments: z.object({ nodes: z.array(z.object({ fullDatabaseId: z.coerce.string() })) }),
            }),
          ),
        }),
      }),
    }),
  })
  .transform(({ repository }) => repository.pullRequest.reviewThreads);
type ThreadList = z.output<typeof Threads>;
