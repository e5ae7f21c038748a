import { z } from 'zod';
import type { Access, ForgeBranch, Permission, RepositoryName } from '../forge.ts';
import { Line } from '../forge-text.ts';
import { pathOf, type RestApi } from '../rest-api.ts';
import { Repository } from './schemas.ts';

const Branch = z
  .object({ name: Line, commit: z.object({ sha: Line }), protected: z.boolean() })
  .transform(({ commit, ...rest }): ForgeBranch => ({ ...rest, commit: commit.sha }));
const File = z.object({ type: z.literal('file'), encoding: z.string(), content: z.string() });
const PermissionAnswer = z.object({ permission: z.string() });

export async function findRepository(api: RestApi, access: Access, { owner, name }: RepositoryName) {
  return api.call(access, { path: pathOf('repos', owner, name) }, Repository);
}

/** What this login may do; an unknown one: nothing. */
export async function permissionOf(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  login: string,
): Promise<Permission> {
  const path = pathOf('repos', owner, name, 'collaborators', login, 'permission');
  const answer = await api.find(access, { path }, PermissionAnswer);
  switch (answer?.permission) {
    case 'admin':
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
  // A folder answers with a list.
  const answer = await api.find(
    access,
    { path: pathOf('repos', owner, name, 'contents', path) },
    z.union([File, z.unknown()]),
  );
  const { data } = File.safeParse(answer);
  return data?.encoding === 'base64' ? Buffer.from(data.content, 'base64').toString('utf8') : undefined;
}
