import type { RepositoryName } from './forge.ts';
import type { ForgeAccess, OpenForge } from './forge-access.ts';
import { isTokenRefused, undefinedIf } from './forge-api-error.ts';

/**
 * Whether the person of an errand may read a repository now: with a token of theirs, or as everybody may. The server's
 * own app may see more than they do. Rejects where the forge cannot be asked now.
 */
export async function mayRead(
  access: ForgeAccess,
  { user_id, project_id }: { user_id: string; project_id: string | null },
  repo_url: string,
  signal: AbortSignal,
): Promise<boolean> {
  const own = await access.forPerson({ user_id, project_id }, repo_url);
  if (own && (await lookUp(own, signal))) return true;
  const app = await access.forApp(repo_url);
  const seen = app && (await lookUp(app, signal));
  return seen?.private === false;
}

/** What a person is told who may not. */
export function outOfSight({ owner, name }: RepositoryName): string {
  return `You may not read ${owner}/${name} any more: what happens there does not come to this errand. It goes on once you may read it again.`;
}

/** What the forge shows of a repository; undefined: nothing to this token. Rejects where it cannot be asked now. */
export async function lookUp({ client, repository, token }: OpenForge, signal: AbortSignal) {
  return client.repository({ token, signal }, repository).catch(undefinedIf(isTokenRefused));
}
