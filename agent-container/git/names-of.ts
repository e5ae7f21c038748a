import { pathToText } from '../base/byte-path.ts';

const NAMED_MAX = 10;
const NAME_CHARS_MAX = 200;

/** A path for a text: on one line, and of a long one its beginning and its end. */
export function nameOf(path: string): string {
  const name = pathToText(Buffer.from(path));
  if (name.length <= NAME_CHARS_MAX) return name;
  const half = NAME_CHARS_MAX / 2;
  return `${name.slice(0, half)}…${name.slice(-half)}`.toWellFormed();
}

/** Paths for a text: of many only the first, and how many more there are. */
export function namesOf(paths: string[]): string {
  const names = paths.slice(0, NAMED_MAX).map(nameOf).join(', ');
  return paths.length > NAMED_MAX ? `${names} and ${paths.length - NAMED_MAX} more` : names;
}
