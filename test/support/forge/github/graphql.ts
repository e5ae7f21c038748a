import type { Permission } from '../../../../coordinator/forge/forge.ts';
import { actor, Refusal, requireRight, type Call } from './call.ts';
import { node } from './render-base.ts';
import type { Json } from './shapes.ts';
import { atLeast, isPull, type PullIssue, type Repository } from '../world.ts';

/** The few things that only GitHub's GraphQL API can do. Errors come with the status 200. */
export async function graphql(call: Call): Promise<Json> {
  try {
    actor(call);
    const query = String(call.body['query']);
    const variables = (call.body['variables'] ?? {}) as Json;
    const field = FIELDS.find((name) => query.includes(`${name}(`));
    if (field === undefined) return failed('undefinedField', 'The stand-in does not know this query.');
    return { data: await HANDLERS[field](call, variables) };
  } catch (error) {
    if (error instanceof Refusal && error.reply.status === 403) return failed('FORBIDDEN', error.message);
    if (error instanceof GraphqlFault) return failed(error.type, error.message);
    throw error;
  }
}

class GraphqlFault extends Error {
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

const FIELDS = [
  'resolveReviewThread',
  'markPullRequestReadyForReview',
  'convertPullRequestToDraft',
  'reviewThreads',
  'commits',
  'pullRequest',
] as const;

const HANDLERS: Record<(typeof FIELDS)[number], (call: Call, variables: Json) => Promise<Json> | Json> = {
  resolveReviewThread: (call, { thread }) => {
    const all = call.github.world.repositories.flatMap((repository) =>
      repository.issues.filter(isPull).map((issue) => ({ repository, issue })),
    );
    for (const { repository, issue } of all) {
      const comment = issue.pull.comments.find(({ id, in_reply_to }) => !in_reply_to && node('PRRT', id) === thread);
      if (comment === undefined) continue;
      need(call, repository, 'write');
      comment.resolved = true;
      return { resolveReviewThread: { thread: { id: thread, isResolved: true } } };
    }
    throw unknown(thread);
  },
  markPullRequestReadyForReview: async (call, { pull }) => ({
    markPullRequestReadyForReview: { pullRequest: await setDraft(call, pull, false) },
  }),
  convertPullRequestToDraft: async (call, { pull }) => ({
    convertPullRequestToDraft: { pullRequest: await setDraft(call, pull, true) },
  }),
  reviewThreads: (call, variables) => {
    const { issue } = pullOf(call, variables);
    const first = issue.pull.comments.filter(({ in_reply_to }) => in_reply_to === null);
    const start = Number(variables['after'] ?? 0);
    const nodes = first.slice(start, start + 100).map(({ id, resolved }) => ({
      id: node('PRRT', id),
      isResolved: resolved,
      comments: { nodes: [{ databaseId: id, fullDatabaseId: String(id) }] },
    }));
    const pageInfo = { hasNextPage: start + 100 < first.length, endCursor: String(start + 100) };
    return { repository: { pullRequest: { reviewThreads: { nodes, pageInfo } } } };
  },
  commits: (call, variables) => {
    const { repository, issue } = pullOf(call, variables);
    requireRight(call, repository, 'checks');
    const statusCheckRollup = rollup(repository, issue.pull.head_commit);
    return { repository: { pullRequest: { commits: { nodes: [{ commit: { statusCheckRollup } }] } } } };
  },
  pullRequest: (call, variables) => {
    const { repository } = pullOf(call, variables);
    const pullRequest = {
      isMergeQueueEnabled: repository.requires.has('queue'),
      viewerCanMergeAsAdmin: call.github.apps.permission(call.token, repository) === 'admin',
      reviewDecision: repository.requires.has('review') ? 'REVIEW_REQUIRED' : null,
    };
    return { repository: { pullRequest } };
  },
};

function pullOf(call: Call, { owner, name, number }: Json): { repository: Repository; issue: PullIssue } {
  const repository = call.github.world.repository(String(owner), String(name));
  if (repository === undefined) throw unknown(`${String(owner)}/${String(name)}`);
  need(call, repository, 'read');
  const issue = repository.issues.filter(isPull).find((one) => one.number === number);
  if (issue === undefined) throw unknown(number);
  return { repository, issue };
}

/** The checks and statuses of a commit together. Where some are required, each is. */
function rollup({ requires, checks, statuses }: Repository, commit: string): Json | null {
  const isRequired = requires.has('checks');
  const runs = checks.filter((one) => one.commit === commit);
  const nodes = [
    ...runs.map(({ conclusion }) => ({ conclusion: conclusion?.toUpperCase() ?? null, isRequired })),
    ...statuses.filter((one) => one.commit === commit).map(({ state }) => ({ state: state.toUpperCase(), isRequired })),
  ];
  return nodes.length === 0 ? null : { contexts: { nodes } };
}

async function setDraft(call: Call, id: unknown, draft: boolean): Promise<Json> {
  for (const repository of call.github.world.repositories) {
    const issue = repository.issues.filter(isPull).find(({ number }) => node('PR', number, repository.id) === id);
    if (issue === undefined) continue;
    if (issue.author !== actor(call)) need(call, repository, 'write');
    if (issue.state !== 'open') throw new GraphqlFault('UNPROCESSABLE', 'The pull request is closed.');
    await call.github.editPull(repository, issue, { draft });
    return { id, isDraft: draft };
  }
  throw unknown(id);
}

function need({ github, token }: Call, repository: Repository, needed: Permission): void {
  const permission = github.apps.permission(token, repository);
  if (permission === 'none') throw unknown(repository.name);
  if (!atLeast(permission, needed)) throw new GraphqlFault('FORBIDDEN', 'Resource not accessible by integration');
}

const unknown = (id: unknown): GraphqlFault =>
  new GraphqlFault('NOT_FOUND', `Could not resolve to a node with the global id of '${String(id)}'.`);

const failed = (type: string, message: string): Json => ({
  data: null,
  errors: [{ type, message, path: [], locations: [] }],
});
