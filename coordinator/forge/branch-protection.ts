import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { ForgeAccess } from './forge-access.ts';
import { ForgeApiError, isTokenRefused } from './forge-api-error.ts';

type Where = { user_id: string; project_id: string | null; repo_url: string };

/**
 * Why no errand may push to this branch as its forge has it now; null: it may, or the repository is on no forge that
 * can be asked. Forges let administrators pass the protection of a branch, so it is not left to them. Rejects with
 * `upstream_unreachable` or `rate_limited` if the forge does not say so now: the push is then to be tried again.
 */
export async function protectionOf(
  access: ForgeAccess,
  { repo_url, ...who }: Where,
  branch: string,
  signal: AbortSignal,
): Promise<string | null> {
  const open = await access.forPerson(who, repo_url);
  if (!open) return null;
  const { client, repository, token } = open;
  const call = { token, signal: AbortSignal.any([signal, AbortSignal.timeout(LIMITS.forge_answer_ms)]) };
  try {
    const [{ default_branch }, found] = await Promise.all([
      client.repository(call, repository),
      client.branch(call, repository, branch),
    ]);
    if (branch === default_branch || found?.name === default_branch)
      return 'it is the default branch, to which errands never push';
    return found?.protected === true ? 'the forge protects the branch from pushes' : null;
  } catch (error) {
    signal.throwIfAborted();
    if (isTokenRefused(error)) return `the forge does not say whether it protects the branch: ${error.message}`;
    throw error instanceof ForgeApiError ? askAgain(error) : error;
  }
}

function askAgain(cause: ForgeApiError): ErrandError {
  const text = `The forge does not say whether it protects the branch: ${cause.message}`;
  return new ErrandError(cause.fault === 'rate_limited' ? 'rate_limited' : 'upstream_unreachable', text, { cause });
}
