import type { TaskCreate } from '../../protocol/api.ts';
import { ErrandError, type ErrorCode } from '../../protocol/problem.ts';
import type { RepositoryChoice } from '../../protocol/repositories.ts';
import { SAMPLE_REPO_URL } from '../../protocol/task.ts';
import { repositoryIdentity } from '../../protocol/repository-identity.ts';
import { repositoryKeys } from '../domain/task-repository.ts';
import type { Db } from '../sqlite/database.ts';
import { findProjectAt, findProjectOf } from '../sqlite/projects.ts';
import type { NewTaskRepository } from '../sqlite/task-repositories.ts';

type Chosen = Omit<NewTaskRepository, 'task_id' | 'n' | 'key'>;

/**
 * The repositories of a task beside its first one, `repo_url`. Git uses the credential of the person's project of the
 * repository, also where they gave its address alone. Throws `not_found` for an unknown project, `invalid` for the same
 * repository twice and for the sample repository; each names the field.
 */
export function chooseRepositories(
  db: Db,
  user_id: string,
  repo_url: string,
  choices: TaskCreate['repositories'] = [],
): Omit<NewTaskRepository, 'task_id'>[] {
  const seen = new Set([repositoryIdentity(repo_url)]);
  const chosen = choices.map((choice, index) => {
    const field = fieldOf(choice, index);
    const row = choose(db, user_id, choice, field);
    if (row.repo_url === SAMPLE_REPO_URL || repo_url === SAMPLE_REPO_URL)
      throw refusal('invalid', field, 'cannot go with the sample repository, which is worked on alone');
    const identity = repositoryIdentity(row.repo_url);
    if (seen.has(identity)) throw refusal('invalid', field, `is ${row.repo_url}, which the errand has already`);
    seen.add(identity);
    return row;
  });
  const keys = repositoryKeys([repo_url, ...chosen.map((row) => row.repo_url)]);
  return chosen.map((row, index) => ({ ...row, n: index + 1, key: keys[index + 1] ?? '' }));
}

function choose(db: Db, user_id: string, choice: RepositoryChoice, field: string): Chosen {
  const { repo_url: address, project_id } = choice;
  const project =
    address === undefined ? findProjectOf(db, user_id, project_id ?? '') : findProjectAt(db, user_id, address);
  const repo_url = address ?? project?.repo_url;
  if (repo_url === undefined) throw refusal('not_found', field, 'is no project of yours');
  return {
    repo_url,
    project_id: project?.id ?? null,
    base_branch: choice.base_branch ?? project?.base_branch ?? null,
    work_branch: choice.work_branch ?? null,
  };
}

function fieldOf({ repo_url }: RepositoryChoice, index: number): string {
  return `/repositories/${index}/${repo_url === undefined ? 'project_id' : 'repo_url'}`;
}

function refusal(code: ErrorCode, field: string, message: string): ErrandError {
  return new ErrandError(code, `The request is not valid: ${field} ${message}`, { errors: [{ field, message }] });
}
