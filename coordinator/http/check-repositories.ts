import type { TaskCreate } from '../../protocol/api.ts';
import type { RepositoryChoice } from '../../protocol/repositories.ts';
import { prefixFields } from '../base/prefix-fields.ts';
import type { RepositoryCheck } from '../domain/forge-repository.ts';
import type { ForgeAccess } from '../forge/forge-access.ts';
import { findWorkBranch, requireFreeUnderOtherNames } from '../forge/work-branch.ts';
import type { Db } from '../sqlite/database.ts';
import { findProjectOf } from '../sqlite/projects.ts';

export type RepositoryChecks = {
  db: Db;
  repositories: Pick<RepositoryCheck, 'checkHost'>;
  forges: ForgeAccess;
};

/**
 * Checks the host of a repository, and the branch that is named for the work there; resolves with that branch. Rejects
 * as `checkHost`, `findWorkBranch` and `requireFreeUnderOtherNames` do.
 */
export async function checkRepository(
  { db, repositories, forges }: RepositoryChecks,
  user_id: string,
  choice: RepositoryChoice,
  continue_pull?: number,
): Promise<string | undefined> {
  if (choice.repo_url !== undefined) await repositories.checkHost(user_id, choice.repo_url);
  const where = repositoryOf(db, user_id, choice);
  const branch = await findWorkBranch(forges, where, { ...choice, continue_pull });
  const field = continue_pull === undefined ? '/work_branch' : '/continue_pull';
  if (where && branch !== undefined) await requireFreeUnderOtherNames(db, forges, where, branch, field);
  return branch;
}

/** Checks the further repositories of an errand. What it rejects with names the repository. */
export async function checkFurther(
  checks: RepositoryChecks,
  user_id: string,
  choices: readonly RepositoryChoice[] = [],
): Promise<void> {
  for (const [index, choice] of choices.entries())
    await checkRepository(checks, user_id, choice).catch((error: unknown) => {
      throw prefixFields(error, `/repositories/${index}`);
    });
}

/** Where a task of this person is to work; undefined: they have no such project. */
function repositoryOf(db: Db, user_id: string, { project_id, repo_url }: Pick<TaskCreate, 'project_id' | 'repo_url'>) {
  const address = repo_url ?? findProjectOf(db, user_id, project_id ?? '')?.repo_url;
  return address === undefined ? undefined : { user_id, project_id: project_id ?? null, repo_url: address };
}
