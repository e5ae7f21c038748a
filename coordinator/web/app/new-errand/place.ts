import type { RepositoryChoice } from '../../../../protocol/repositories.ts';
import { repositoryName } from '../../parts/words.ts';

/** A repository of an errand that is being written, with its branches. */
export type Place = {
  project?: { id: string; name: string } | undefined;
  repo_url?: string | undefined;
  /** Whether the repository gets a project with its first errand. */
  make_project?: boolean | undefined;
  base_branch?: string | undefined;
  /** A branch to work on and push to; of the first one also `#123`: the branch of that pull request. */
  push_to?: string | undefined;
};

/** The name of a repository that was chosen. */
export function placeName({ project, repo_url }: Place): string | undefined {
  return project?.name ?? (repo_url === undefined ? undefined : repositoryName(repo_url));
}

/** A further repository, as the request has it. */
export function toChoice({ project, repo_url, base_branch, push_to }: Place): RepositoryChoice {
  return {
    ...(project ? { project_id: project.id } : { repo_url }),
    ...(base_branch !== undefined && { base_branch }),
    ...(push_to !== undefined && { work_branch: push_to }),
  };
}

/** Reads a further repository as links have it: `https://…/name#branch`. */
export function readPlace(text: string): Place {
  const [repo_url = '', base_branch] = text.split('#', 2);
  return { repo_url, ...(base_branch && { base_branch }) };
}

/** Whether one says which it is. */
export function isChosen({ project, repo_url }: Place): boolean {
  return project !== undefined || repo_url !== undefined;
}
