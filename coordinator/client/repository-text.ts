import type { RepositoryChoice } from '../../protocol/repositories.ts';

/** A repository as a person types it: `place` is an address or the name of a project. */
export type TypedRepository = { place: string } & Pick<RepositoryChoice, 'base_branch' | 'work_branch'>;

/**
 * Reads `PLACE`, `PLACE#BASE`, `PLACE#BASE:PUSH` or `PLACE#:PUSH`: what to start from there, and the branch to push
 * to. No branch name has a colon. The names are not checked.
 */
export function readRepositoryText(text: string): TypedRepository {
  const hash = text.indexOf('#');
  if (hash < 0) return { place: text };
  const [base_branch = '', ...push_to] = text.slice(hash + 1).split(':');
  const work_branch = push_to.join(':');
  return {
    place: text.slice(0, hash),
    ...(base_branch !== '' && { base_branch }),
    ...(work_branch !== '' && { work_branch }),
  };
}

/** What `readRepositoryText` reads so. */
export function repositoryText({ place, base_branch = '', work_branch }: TypedRepository): string {
  const push_to = work_branch === undefined ? '' : `:${work_branch}`;
  const branches = base_branch + push_to;
  return branches === '' ? place : `${place}#${branches}`;
}
