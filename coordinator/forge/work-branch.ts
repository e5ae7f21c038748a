import { ErrandError, type ErrorCode } from '../../protocol/problem.ts';
import type { TaskCreate } from '../../protocol/api.ts';
import { isSameRepository } from '../../protocol/repository-identity.ts';
import type { Db } from '../sqlite/database.ts';
import { branchTaken, listOthersAtBranch } from '../tasks/branch-at-work.ts';
import { ForgeApiError } from './forge-api-error.ts';
import type { ForgeAccess, OpenForge } from './forge-access.ts';
import { isSameName } from './repository-name.ts';

type Wish = Pick<TaskCreate, 'work_branch' | 'continue_pull'>;
type Where = { user_id: string; project_id: string | null; repo_url: string };

/** How long a person waits for the forge when they send an errand. */
const ASK_MS = 10_000;
/** Other errands at a branch of the same name whose repositories are asked about. */
const OTHERS_ASKED_MAX = 10;

/**
 * The branch that a person names for the work, directly or by a pull request. Without a forge that can be asked, the
 * worker finds out what is wrong with it. Rejects with `invalid` for a branch that no errand may push to, or a pull
 * request that cannot be continued, and with `upstream_unreachable` if its forge does not answer.
 */
export async function findWorkBranch(
  forges: ForgeAccess,
  where: Where | undefined,
  { work_branch, continue_pull }: Wish,
): Promise<string | undefined> {
  if (!where || (work_branch === undefined && continue_pull === undefined)) return undefined;
  const { repo_url, ...who } = where;
  if (continue_pull === undefined) {
    const open = await forges.forPerson(who, repo_url).catch(ignoreForge);
    if (open) await requireOpenBranch(open, work_branch ?? '').catch(ignoreForge);
    return work_branch;
  }
  const open = await forges.forPerson(who, repo_url);
  if (!open)
    throw refusal('/continue_pull', `needs access to the pull requests of ${repo_url}: link your account there`);
  const head = await headOf(open, continue_pull);
  await requireOpenBranch(open, head, '/continue_pull').catch(refuseUnasked);
  return head;
}

/**
 * Throws `conflict` while another task works on the branch under another name of the repository: it was renamed or
 * moved. What its forge cannot tell now counts as another repository. `field`: names the branch in the request.
 */
export async function requireFreeUnderOtherNames(
  db: Db,
  forges: ForgeAccess,
  { user_id, project_id, repo_url }: Where,
  branch: string,
  field: string,
): Promise<void> {
  const { host } = new URL(repo_url);
  const others = listOthersAtBranch(db, branch).filter(
    (other) => new URL(other.repo_url).host === host && !isSameRepository(other.repo_url, repo_url),
  );
  const signal = AbortSignal.timeout(ASK_MS);
  const idOf = async (address: string) => {
    const open = await forges.forPerson({ user_id, project_id }, address).catch(ignoreForge);
    return open?.client.repository({ token: open.token, signal }, open.repository).then(({ id }) => id, ignoreForge);
  };
  const id = others.length === 0 ? undefined : await idOf(repo_url);
  if (id === undefined) return;
  for (const other of others.slice(0, OTHERS_ASKED_MAX))
    if ((await idOf(other.repo_url)) === id) throw branchTaken(other, user_id, field);
}

/** The branch of an open pull request that is in the repository itself. */
async function headOf({ client, repository, token }: OpenForge, number: number): Promise<string> {
  const access = { token, signal: AbortSignal.timeout(ASK_MS) };
  const { state, head, base } = await client.pull(access, repository, number).catch((error: unknown) => {
    if (!(error instanceof ForgeApiError)) throw error;
    if (error.fault === 'not_found') throw refusal('/continue_pull', `is no pull request of the repository`, error);
    return refuseUnasked(error);
  });
  if (state !== 'open') throw refusal('/continue_pull', `is ${state}: only an open pull request can be continued`);
  // The repository may have another name now than the one that it was asked for by.
  if (!isSameName(head.repository, base.repository ?? repository))
    throw refusal('/continue_pull', 'comes from a fork, which errands cannot push to');
  return head.branch;
}

/** Rejects with `invalid` for the default branch or one that the forge protects, and as the forge does. */
export async function requireOpenBranch(
  { client, repository, token }: OpenForge,
  name: string,
  field = '/work_branch',
): Promise<void> {
  const access = { token, signal: AbortSignal.timeout(ASK_MS) };
  const [{ default_branch }, branch] = await Promise.all([
    client.repository(access, repository),
    client.branch(access, repository, name),
  ]);
  if (name === default_branch || branch?.name === default_branch)
    throw refusal(field, `is the default branch ${default_branch}, which errands never push to: name another one`);
  if (branch?.protected === true)
    throw refusal(field, `is the branch ${name}, which the forge protects from pushes: name another one`);
}

/** The branch of a pull request may be protected as long as the forge does not say that it is not. */
function refuseUnasked(error: unknown): never {
  if (!(error instanceof ForgeApiError)) throw error;
  throw refusal('/continue_pull', `cannot be looked up: ${error.message}`, error, 'upstream_unreachable');
}

/** What the forge cannot tell now, it says when the branch is pushed. It may be away when a token is renewed, too. */
function ignoreForge(error: unknown): undefined {
  const is_away = error instanceof ErrandError && error.code === 'upstream_unreachable';
  if (!(error instanceof ForgeApiError) && !is_away) throw error;
}

function refusal(field: string, message: string, cause?: unknown, code: ErrorCode = 'invalid'): ErrandError {
  return new ErrandError(code, `The request is not valid: ${field} ${message}`, {
    errors: [{ field, message }],
    cause,
  });
}
