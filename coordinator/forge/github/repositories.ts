import { z } from 'zod';
import type { Access, ForgeBranch, RepositoryName } from '../forge.ts';
import { Line } from '../forge-text.ts';
import { pathOf, type RestApi } from '../rest-api.ts';
import { Repository } from './schemas.ts';

const Branch = z
  .object({ name: Line, commit: z.object({ sha: Line }), protected: z.boolean() })
  .transform(({ commit, ...rest }): ForgeBranch => ({ ...rest, commit: commit.sha }));

export async function findRepository(api: RestApi, access: Access, { owner, name }: RepositoryName) {
  return api.call(access, { path: pathOf('repos', owner, name) }, Repository);
}

export async function findBranch(api: RestApi, access: Access, { owner, name }: RepositoryName, branch: string) {
  return api.find(access, { path: pathOf('repos', owner, name, 'branches', branch) }, Branch);
}
