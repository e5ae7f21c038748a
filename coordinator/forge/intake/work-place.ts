import type { TaskCreate } from '../../../protocol/api.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { OpenForge } from '../forge-access.ts';
import type { Pull, RepositoryName } from '../forge.ts';
import { isRefusal, undefinedIf } from '../forge-api-error.ts';
import { isSameName } from '../repository-name.ts';
import { requireOpenBranch } from '../work-branch.ts';
import type { Ask } from './ask.ts';
import { namedPlace } from './named-place.ts';

/** The branches of the work that somebody asks for, or why it cannot go there. */
export type WorkPlace = Pick<TaskCreate, 'base_branch' | 'work_branch'> | ErrandError;

/**
 * Where the work goes: to the pull request or branch that the request names, else to the branch of the pull request
 * that it was written at, else to a branch of its own. Rejects where the forge cannot be asked now.
 */
export async function workPlace(
  open: OpenForge,
  { request, number, is_pull }: Ask,
  signal: AbortSignal,
): Promise<WorkPlace> {
  const named = namedPlace(request);
  if (named && 'work_branch' in named) return (await refusalOf(open, named.work_branch)) ?? named;
  const continued = named?.continue_pull ?? (is_pull ? number : undefined);
  if (continued === undefined) return {};
  const { client, repository, token } = open;
  const pull = await client.pull({ token, signal }, repository, continued).catch(undefinedIf(isRefusal));
  if (pull && goesOn(pull, repository)) return (await refusalOf(open, pull.head.branch)) ?? branchesOf(pull);
  // At a merged or closed one, work begins anew. At an open one it would have to go to the branch in the fork.
  return named || pull?.state === 'open' ? NO_PULL : {};
}

const NO_PULL = new ErrandError('invalid', 'The pull request cannot be continued.', {
  errors: [{ field: '/continue_pull', message: 'is no open pull request whose branch is in the repository' }],
});

/** Whether work can go on at the branch of a pull request: it is open, and the branch is in the repository itself. */
function goesOn({ state, head, base }: Pull, repository: RepositoryName): boolean {
  const here = base.repository ?? repository;
  return state === 'open' && isSameName(head.repository, here) && head.branch !== base.branch;
}

function branchesOf({ head, base }: Pull): Pick<TaskCreate, 'base_branch' | 'work_branch'> {
  return { base_branch: base.branch, work_branch: head.branch };
}

/** Why no errand may push to this branch. Undefined: one may, or the forge does not say before it is pushed. */
async function refusalOf(open: OpenForge, branch: string): Promise<ErrandError | undefined> {
  try {
    await requireOpenBranch(open, branch);
  } catch (error) {
    if (error instanceof ErrandError) return error;
    if (!isRefusal(error)) throw error;
  }
  return undefined;
}
