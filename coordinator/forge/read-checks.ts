import type { Access, ForgeClient, ReadableChecks, RepositoryName } from './forge.ts';
import { isDenied, undefinedIf } from './forge-api-error.ts';

/**
 * The checks of a commit, as far as the token may read them: not every token can be given the right to all, and the
 * rest of a pull request does not depend on them. Rejects as the forge does, except where it refuses the checks.
 */
export async function readChecks(
  client: Pick<ForgeClient, 'checks' | 'readableChecks'>,
  access: Access,
  name: RepositoryName,
  commit: string,
): Promise<ReadableChecks> {
  const all = await client.checks(access, name, commit).catch(undefinedIf(isDenied));
  return all ? { ...all, missing: [] } : client.readableChecks(access, name, commit);
}
