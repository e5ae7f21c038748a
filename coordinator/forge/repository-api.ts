import { z } from 'zod';
import { MergeMethod } from '../../protocol/pulls.ts';
import { answerJob } from './answer-job.ts';
import type { Access, Permission, RepositoryName } from './forge.ts';
import { pathOf, type RestApi } from './rest-api.ts';

/* What GitHub and Gitea answer alike about a repository. */

/** What the token's owner may do, as a repository says it. */
export const Permissions = z.object({ admin: z.boolean(), push: z.boolean(), pull: z.boolean() });

/** Absent: it is public, and nothing is said. */
export function permissionFrom(permissions: z.infer<typeof Permissions> | null | undefined): Permission {
  const { admin = false, push = false, pull = true } = permissions ?? {};
  return admin ? 'admin' : push ? 'write' : pull ? 'read' : 'none';
}

/** The ways to merge that a repository allows, in the order of the protocol, but `first` before all. */
export function allowedMethods(first: string, allowed: Partial<Record<MergeMethod, boolean>>): MergeMethod[] {
  const methods = MergeMethod.options.filter((method) => allowed[method] === true);
  return [...methods.filter((method) => method === first), ...methods.filter((method) => method !== first)];
}

/**
 * What to tell a person whose list of repositories was not read to its end, and may lack the one that they look for.
 */
export function cutText(origin: string): string {
  return `${new URL(origin).host} has more repositories than were searched: give the address of one that is missing.`;
}

const HERE = 'coordinator/forge/repository-api.ts';
export const PERMISSION = answerJob(HERE, 'PERMISSION', z.object({ permission: z.string() }));

/** What this login may do; an unknown one: nothing. Gitea tells only a repository's administrators of others. */
export async function permissionOf(
  api: RestApi,
  access: Access,
  { owner, name }: RepositoryName,
  login: string,
): Promise<Permission> {
  const path = pathOf('repos', owner, name, 'collaborators', login, 'permission');
  const answer = await api.find(access, { path }, PERMISSION);
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
