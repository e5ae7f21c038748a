/** What the worker says of a repository or a branch that it cannot read, and the same in German. */
const WORDS: readonly (readonly [said: RegExp, words: string])[] = [
  [/The repository has no branch (.+?)\. A task starts from .*/s, 'Das Repository hat keinen Branch $1'],
  [
    /There is no repository at (\S+), or no permission to read it \(.*/s,
    'Kein Repository unter $1, oder kein Recht, es zu lesen',
  ],
  [
    /There is no repository at (\S+), or it is private: .*/s,
    'Kein Repository unter $1, oder es ist privat: Prüfe die Adresse, oder gib seinem Projekt ein Token',
  ],
  [
    /(\S+) asks for a credential to read (\S+): .*/s,
    '$1 verlangt ein Token für $2: Gib dem Projekt eines, oder prüfe die Adresse',
  ],
];

/**
 * What the worker says of a repository or a branch that it cannot read, in German, with the name that it puts before
 * it. Other words are quoted, alone: what they say is not always that something is missing.
 */
export function de_missing_repository(detail: string): string {
  const [said, words] = WORDS.find(([each]) => each.test(detail)) ?? [];
  return said && words !== undefined ? detail.replace(said, words) : `„${detail}“`;
}
