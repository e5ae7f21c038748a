import { LIMITS } from '../../../../protocol/limits.ts';
import type { RepositoryChoice } from '../../../../protocol/repositories.ts';
import { isSameRepository } from '../../../../protocol/repository-identity.ts';
import { isBranchName, SAMPLE_REPO_URL } from '../../../../protocol/without-schemas.ts';
import { readRepositoryText } from '../../../client/repository-text.ts';
import { repositoryName } from '../../parts/words.ts';

/** A repository of an errand that is being written, with its branches. */
export type Place = {
  project?: { id: string; name: string } | undefined;
  repo_url?: string | undefined;
  /** Whether the repository gets a project with its first errand. */
  make_project?: boolean | undefined;
  base_branch?: string | undefined;
  /** A branch to work on and push to, or `#123`: the branch of that pull request. */
  push_to?: string | undefined;
  /** Whether it was that of the errand before: it stays only if the server took that. */
  sent?: boolean | undefined;
};

/** The first repository, and those beside it. */
export type Places = Place & { others?: Place[] | undefined };

/** The repositories of it in their order; the first may not be chosen yet. */
export function placesOf({ others = [], ...first }: Places): Place[] {
  return [first, ...others];
}

/** What changes in an errand where its repository `index` changes so; one behind the last is added. */
export function changePlace(fresh: Places, index: number, change: Place): Places {
  if (index === 0) return change;
  const others = [...(fresh.others ?? [])];
  others[index - 1] = { ...others[index - 1], ...change };
  // One that is only half chosen is not there.
  return { others: others.filter(isChosen) };
}

/** The same without one of its further repositories. */
export function withoutPlace({ others = [] }: Places, index: number): Places {
  return { others: others.filter((_, i) => i !== index - 1) };
}

/** Whether one more repository may join. The sample has no branch to push to, so it stays alone. */
export function mayAddPlace(fresh: Places): boolean {
  const places = placesOf(fresh);
  return places.every(isChosen) && fresh.repo_url !== SAMPLE_REPO_URL && places.length < LIMITS.repositories_max;
}

/** The name of a repository that was chosen, with its owner: many have the same name. */
export function placeName({ project, repo_url }: Place): string | undefined {
  if (project !== undefined || repo_url === undefined) return project?.name;
  const owner = /^\/([^/]+)\/[^/]+\/?$/.exec(URL.parse(repo_url)?.pathname ?? '')?.[1];
  return [...(owner === undefined ? [] : [owner]), repositoryName(repo_url)].join('/');
}

/** Whether its branches have names that git allows. */
export function hasBranchNames({ base_branch = 'main', push_to = 'main' }: Place): boolean {
  return isBranchName(base_branch) && (/^#\d+$/.test(push_to) || isBranchName(push_to));
}

/** Whether it is the same repository. */
export function isSamePlace(one: Place, other: Place): boolean {
  if (one.project || other.project) return one.project?.id === other.project?.id;
  return one.repo_url !== undefined && isSameRepository(one.repo_url, other.repo_url ?? '');
}

/** A further repository, as the request has it. */
export function toChoice({ project, repo_url, base_branch, push_to }: Place): RepositoryChoice {
  return {
    ...(project ? { project_id: project.id } : { repo_url }),
    ...(base_branch !== undefined && { base_branch }),
    ...(push_to !== undefined && { work_branch: push_to }),
  };
}

/** Reads a further repository as links have it: `https://…/name#base:branch`. */
export function readPlace(text: string): Place {
  const { place, base_branch, work_branch } = readRepositoryText(text);
  return { repo_url: place, base_branch, push_to: work_branch };
}

/** Whether it names a repository: the first of an errand may not do so yet. */
export function isChosen({ project, repo_url }: Place): boolean {
  return project !== undefined || repo_url !== undefined;
}
