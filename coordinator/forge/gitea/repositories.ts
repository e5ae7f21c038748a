import { z } from 'zod';
import type { Access, ForgeBranch, ForgeRepositoryInfo, Permission, RepositoryName } from '../forge.ts';
import { Line } from '../forge-text.ts';
import { pathOf, type RestApi } from '../rest-api.ts';
import { Account, Repository } from './schemas.ts';

const Branch = z
  .object({ name: Line, commit: z.object({ id: Line }), protected: z.boolean() })
  .transform(({ commit, ...rest }): ForgeBranch => ({ ...rest, commit: commit.id }));
const File = z.object({ type: z.literal('file'), encoding: z.string(), content: z.string() });
const PermissionAnswer = z.object({ permission: z.string() });
const Found = z.object({ data: z.array(Repository).nullable() });

/** Repositories that the token may push to, those that changed last first. */
export async function listRepositories(
  api: RestApi,
  access: Access,
  { search, limit }: { search: string; limit: number },
): Promise<ForgeRepositoryInfo[]> {
  const { id } = await api.call(access, { path: '/user' }, Account);
  const [owner, name] = search.includes('/') ? search.toLowerCase().split('/') : ['', search];
  const fits = (one: ForgeRepositoryInfo) =>
    (one.permission === 'write' || one.permission === 'admin') &&
    (search.includes('/') ? one.owner.toLowerCase() === owner : true);
  const query = { uid: id, q: name?.trim() ?? '', sort: 'updated', order: 'desc', limit: 50 };
  const { items } = await api.list(
    access,
    { path: '/repos/search', query },
    {
      schema: Found,
      entries: ({ data }) => (data ?? []).filter(fits),
      enough: (found) => found.length >= limit,
    },
  );
  return items.slice(0, limit);
}

export async function findRepository(api: RestApi, access: Access, { owner, name }: RepositoryName) {
  return api.call(access, { path: pathOf('repos', owner, name) }, Repository);
}

/** What this login may do; an unknown one: nothing. Gitea tells only a repository's administrators of others. */
export async function permissionOf(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  login: string,
): Promise<Permission> {
  const path = pathOf('repos', owner, name, 'collaborators', login, 'permission');
  const answer = await api.find(access, { path }, PermissionAnswer);
  switch (answer?.permission) {
    case 'owner':
    case 'admin':
      return 'admin';
    case 'write':
    case 'read':
      return answer.permission;
    default:
      return 'none';
  }
}

export async function findBranch(api: RestApi, access: Access, { owner, name }: RepositoryName, branch: string) {
  return api.find(access, { path: pathOf('repos', owner, name, 'branches', branch) }, Branch);
}

/** The text of a file at the default branch. */
export async function readFile(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  path: string,
): Promise<string | undefined> {
  const call = { path: pathOf('repos', owner, name, 'contents', path) };
  // A folder answers with a list.
  const { data } = File.safeParse(await api.find(access, call, z.unknown()));
  return data?.encoding === 'base64' ? Buffer.from(data.content, 'base64').toString('utf8') : undefined;
}
