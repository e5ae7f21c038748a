import type { RepositoryName } from '../forge.ts';

/** An issue that a prompt names. `closes`: it is what the errand is to solve, and not only mentioned. */
export type NamedIssue = { number: number; closes: boolean };

const NAMED_MAX = 5;
/** Before the number of an issue: what says that the errand is to solve it, in English and German. */
const SOLVE =
  /\b(fix(es|ed)?|clos(e[sd]?|ing)|resolv(e[sd]?|ing)|implements?|solves?|address(es)?|handles?|do|work on|take|behebe?|erledige?|löse|schließe?|schliesse?|bearbeite|implementiere)(\s+(the|this|issues?|bug|feature|ticket|das|den|die|bitte|issue|fehler))*\s*:?\s*$/iu;

/**
 * The issues of the repository that a prompt names: by `#12`, by `owner/name#12`, or by an address. One that the prompt
 * says to solve, or that it consists of, is closed by the pull request.
 */
export function issuesOf(prompt: string, origin: string, { owner, name }: RepositoryName): NamedIssue[] {
  const here = escape(`${owner}/${name}`);
  const pattern = new RegExp(
    `(?:${escape(origin)}/${here}/issues/|(?<![\\w/])(?:${here})?#)(\\d{1,9})(?![\\w/])`,
    'giu',
  );
  const found = new Map<number, boolean>();
  for (const match of prompt.matchAll(pattern)) {
    const number = Number(match[1]);
    const before = prompt.slice(Math.max(0, match.index - 60), match.index);
    const rest = prompt.replace(match[0], '').replace(/[#\s<>.:]/g, '');
    const closes = SOLVE.test(before) || rest === '';
    if (number > 0) found.set(number, closes || found.get(number) === true);
  }
  return [...found].slice(0, NAMED_MAX).map(([number, closes]) => ({ number, closes }));
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
