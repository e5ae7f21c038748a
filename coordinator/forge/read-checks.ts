import type { Access, ForgeClient, ReadableChecks, RepositoryName } from './forge.ts';
import { ForgeApiError } from './forge-api-error.ts';

/**
 * The checks of a commit, as far as the token may read them: not every token can be given the right to all, and the rest of a
 * pull request does not depend on them. Rejects as the forge does, except where it refuses the checks.
 */
export async function readChecks(
  client: Pick<ForgeClient, 'checks' | 'readableChecks'>,
  access: Access,
  name: RepositoryName,
  commit: string,
): Promise<ReadableChecks> {
  try {
    return { items: await client.checks(access, name, commit), missing: [] };
  } catch (error) {
    if (!isRefused(error)) throw error;
    return client.readableChecks(access, name, commit);
  }
}

/** What a call gives; undefined: the forge refuses it to the token. */
export async function unlessRefused<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (!isRefused(error)) throw error;
    return undefined;
  }
}

function isRefused(error: unknown): boolean {
  return error instanceof ForgeApiError && (error.fault === 'forbidden' || error.fault === 'not_found');
}
