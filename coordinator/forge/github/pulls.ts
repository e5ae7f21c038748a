import { z } from 'zod';
import { answerJob } from '../answer-job.ts';
import type { Access, EditablePull, Pull, PullDraft, PullPatch, RepositoryName } from '../forge.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import { isSameName } from '../repository-name.ts';
import { pathOf, type RestApi } from '../rest-api.ts';
import type { GraphqlApi } from './graphql.ts';
import { EditablePullRequest, PullRequest, PullWithNode } from './schemas.ts';

const HERE = 'coordinator/forge/github/pulls.ts';
export const PULL = answerJob(HERE, 'PULL', PullRequest);
export const EDITABLE_PULL = answerJob(HERE, 'EDITABLE_PULL', EditablePullRequest);
export const PULL_WITH_NODE = answerJob(HERE, 'PULL_WITH_NODE', PullWithNode);
export const PULLS = answerJob(HERE, 'PULLS', z.array(PullRequest));

/** Opens a pull request. Where a repository has no drafts, one that is ready is opened. */
export async function openPull(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  draft: PullDraft,
): Promise<Pull> {
  const call = (body: PullDraft) => ({ method: 'POST' as const, path: pathOf('repos', owner, name, 'pulls'), body });
  try {
    return await api.call(access, call(draft), PULL);
  } catch (error) {
    const no_drafts = error instanceof ForgeApiError && /draft pull requests are not supported/i.test(error.message);
    if (!draft.draft || !no_drafts) throw error;
    return await api.call(access, call({ ...draft, draft: false }), PULL);
  }
}

export async function findPull(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
): Promise<EditablePull> {
  return api.call(access, { path: pathOf('repos', owner, name, 'pulls', number) }, EDITABLE_PULL);
}

/** The newest open pull request from this branch of the repository itself. */
export async function pullOfBranch(
  api: RestApi,
  access: Access,
  repository: RepositoryName,
  branch: string,
): Promise<Pull | undefined> {
  const { owner, name } = repository;
  const query = { head: `${owner}:${branch}`, state: 'open', sort: 'created', direction: 'desc', per_page: 10 };
  const pulls = await api.call(access, { path: pathOf('repos', owner, name, 'pulls'), query }, PULLS);
  // GitHub ignores a filter that it does not understand, and an owner may have forks of their own repository.
  return pulls.find(({ head }) => head.branch === branch && isSameName(head.repository, repository));
}

/** Changes what differs. Whether it is a draft is changed apart, which needs its GraphQL id. */
export async function editPull(
  api: RestApi,
  graphql: GraphqlApi,
  access: Access,
  { owner, name }: RepositoryName,
  number: number,
  { draft, ...patch }: PullPatch,
): Promise<Pull> {
  const path = pathOf('repos', owner, name, 'pulls', number);
  const call = Object.keys(patch).length > 0 ? { method: 'PATCH' as const, path, body: patch } : { path };
  const { node_id, pull } = await api.call(access, call, PULL_WITH_NODE);
  if (draft === undefined || draft === pull.draft) return pull;
  await graphql.setDraft(access, node_id, draft);
  return { ...pull, draft };
}
