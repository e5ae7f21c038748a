const BRANCH = /The repository has no branch (.+?)\. A task starts from .*/s;
const REPOSITORY = /There is no repository at (\S+), or no permission to read it \(.*/s;

/**
 * What the worker says of a repository or a branch that is missing, in German, with the name that it puts before it.
 * Other words are quoted.
 */
export function de_missing_repository(detail: string): string {
  if (BRANCH.test(detail)) return detail.replace(BRANCH, 'Das Repository hat keinen Branch $1');
  if (REPOSITORY.test(detail))
    return detail.replace(REPOSITORY, 'Kein Repository unter $1, oder kein Recht, es zu lesen');
  return `Das Repository oder sein Branch wurde nicht gefunden: „${detail}“`;
}
