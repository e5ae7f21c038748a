import { z } from 'zod';
import { answerJob } from '../answer-job.ts';
import type { Access, EditablePull, Pull, PullDraft, PullPatch, RepositoryName } from '../forge.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import { isSameName } from '../repository-name.ts';
import { pathOf, type RestApi } from '../rest-api.ts';
import { DRAFT_PREFIX, EditablePullRequest, PullRequest } from './schemas.ts';

const titled = (title: string, draft: boolean): string => (draft ? DRAFT_PREFIX + title : title);

const HERE = 'coordinator/forge/gitea/pulls.ts';
export const COMPARISON = answerJob(HERE, 'COMPARISON', z.object({ total_commits: z.int() }));
export const PULL = answerJob(HERE, 'PULL', PullRequest);
export const EDITABLE_PULL = answerJob(HERE, 'EDITABLE_PULL', EditablePullRequest);
export const PULLS = answerJob(HERE, 'PULLS', z.array(PullRequest));

/**
 * Opens a pull request. Rejects with `invalid` if the base has all commits of the head: Gitea would open an empty
 * one.
 */
export async function openPull(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  { title, draft, ...rest }: PullDraft,
): Promise<Pull> {
  const compare = { path: pathOf('repos', owner, name, 'compare', `${rest.base}...${rest.head}`) };
  // Versions before 1.22 cannot compare.
  const commits = await api.find(access, compare, COMPARISON);
  if (commits?.total_commits === 0)
    throw new ForgeApiError('invalid', `No commits between ${rest.base} and ${rest.head}.`);
  const body = { ...rest, title: titled(title, draft) };
  return api.call(access, { method: 'POST', path: pathOf('repos', owner, name, 'pulls'), body }, PULL);
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
  const { items } = await api.list(
    access,
    { path: pathOf('repos', repository.owner, repository.name, 'pulls'), query: { state: 'open', limit: 50 } },
    {
      page: PULLS,
      entries: (page) => page.filter(({ head }) => head.branch === branch && isSameName(head.repository, repository)),
      // Gitea lists the newest first.
      enough: (found) => found.length > 0,
    },
  );
  return items[0];
}

/** Changes what differs. Whether it is a draft stands in its title. */
export async function editPull(
  api: RestApi,
  access: Access,
  repository: RepositoryName,
  number: number,
  { title, draft, ...rest }: PullPatch,
): Promise<Pull> {
  const path = pathOf('repos', repository.owner, repository.name, 'pulls', number);
  if (title === undefined && draft === undefined) return api.call(access, { method: 'PATCH', path, body: rest }, PULL);
  const now = await findPull(api, access, repository, number);
  const body = { ...rest, title: titled(title ?? now.title, draft ?? now.draft) };
  return api.call(access, { method: 'PATCH', path, body }, PULL);
}
