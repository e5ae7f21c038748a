const NAMED_MAX = 10;

/** Paths for a text: of many only the first, and how many more there are. */
export function namesOf(paths: string[]): string {
  const names = paths.slice(0, NAMED_MAX).join(', ');
  return paths.length > NAMED_MAX ? `${names} and ${paths.length - NAMED_MAX} more` : names;
}
