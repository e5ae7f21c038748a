import { z } from 'zod';
import { answerJob } from '../answer-job.ts';
import type { Access, ForgeBranch, ForgeRepositoryInfo, RepositoryList, RepositoryName } from '../forge.ts';
import { Line } from '../forge-text.ts';
import { cutText } from '../repository-api.ts';
import { pathOf, type RestApi } from '../rest-api.ts';
import { ACCOUNT, Repository } from './schemas.ts';

const HERE = 'coordinator/forge/gitea/repositories.ts';
export const REPOSITORY = answerJob(HERE, 'REPOSITORY', Repository);
const Branch = z
  .object({ name: Line, commit: z.object({ id: Line }), protected: z.boolean() })
  .transform(({ commit, ...rest }): ForgeBranch => ({ ...rest, commit: commit.id }));
export const BRANCH = answerJob(HERE, 'BRANCH', Branch);
export const FOUND = answerJob(HERE, 'FOUND', z.object({ data: z.array(Repository).nullable() }));

/** Repositories that the token may push to, those that changed last first. */
export async function listRepositories(
  api: RestApi,
  access: Access,
  { search, limit }: { search: string; limit: number },
  origin: string,
): Promise<RepositoryList> {
  const { id } = await api.call(access, { path: '/user' }, ACCOUNT);
  const [owner, name] = search.includes('/') ? search.toLowerCase().split('/') : ['', search];
  const fits = (one: ForgeRepositoryInfo) =>
    (one.permission === 'write' || one.permission === 'admin') &&
    (search.includes('/') ? one.owner.toLowerCase() === owner : true);
  const query = { uid: id, q: name?.trim() ?? '', sort: 'updated', order: 'desc', limit: 50 };
  const { items, cut } = await api.list(
    access,
    { path: '/repos/search', query },
    {
      page: FOUND,
      entries: ({ data }) => (data ?? []).filter(fits),
      enough: (found) => found.length >= limit,
    },
  );
  return { items: items.slice(0, limit), missing: cut && items.length < limit ? [cutText(origin)] : [] };
}

export async function findRepository(api: RestApi, access: Access, { owner, name }: RepositoryName) {
  return api.call(access, { path: pathOf('repos', owner, name) }, REPOSITORY);
}

export async function findBranch(api: RestApi, access: Access, { owner, name }: RepositoryName, branch: string) {
  return api.find(access, { path: pathOf('repos', owner, name, 'branches', branch) }, BRANCH);
}
