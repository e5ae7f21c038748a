import type { RepositoryName } from '../forge.ts';

/** An issue that a prompt names. `closes`: it is what the errand is to solve, and not only mentioned. */
export type NamedIssue = { number: number; closes: boolean };
/** `is_given`: the prompt has its text, too. */
type FoundIssue = NamedIssue & { is_given: boolean };

const NAMED_MAX = 5;
/** Before and after the number of an issue, what is read of its sentence. */
const NEAR_CHARS = 60;
/** Before the number of an issue: what says that the errand is to solve it, in English and German. */
const SOLVE =
  /\b(fix(es|ed)?|clos(e[sd]?|ing)|resolv(e[sd]?|ing)|implements?|solves?|address(es)?|handles?|do|work on|take|behebe?|erledige?|l\u00F6se|schlie\u00DFe?|schliesse?|bearbeite|implementiere)(\s+(the|this|issues?|bug|feature|ticket|das|den|die|bitte|issue|fehler))*\s*:?\s*$/iu;
/** In the same sentence: it is not to be solved. German says so behind the number. */
const NOT_BEFORE =
  /(\b(not|never|without|cannot|nicht|nie|niemals|ohne|kein\w*)\b|n['\u2019]t\b|\bdont\b)[^.!?:;\n]*$/iu;
const NOT_AFTER = /^[^.!?:;,\n]*\b(nicht|nie|niemals)\b/iu;
/** How the prompt of a mention or label goes on after the person's own words, and before what others wrote. */
const ASKED_AT = /(?:^|\n\n)@\S+ asks for this in the (issue|pull request) #(\d{1,9}) of /u;
/** In place of own words older errands have the title of the issue, which anybody may have written. */
const NO_WORDS = /^Do what this (?:issue|pull request) asks for: .*$/u;
const QUOTED = /^[ \t]*>.*$/gmu;

/**
 * The issues of the repository that a person asks for: the one in which they mentioned Errand or set the label, and
 * those that their own words name, by `#12`, by `owner/name#12`, or by an address. One that they say to solve, or
 * that the prompt consists of, is closed by the pull request. What others wrote, and quotes, name none. `#12` alone
 * is of the first repository of an errand, as is the place where it was asked for; `is_first`: whether this is the
 * one.
 */
export function issuesOf(prompt: string, origin: string, repository: RepositoryName, is_first: boolean): FoundIssue[] {
  const asked = ASKED_AT.exec(prompt);
  const words = asked ? prompt.slice(0, asked.index).replace(NO_WORDS, '') : prompt;
  const found = new Map<number, boolean>();
  const given = asked && is_first ? Number(asked[2]) : undefined;
  if (given !== undefined) found.set(given, asked?.[1] === 'issue');
  for (const { number, closes } of namedIn(words.replace(QUOTED, ''), origin, repository, is_first))
    found.set(number, closes || found.get(number) === true);
  return [...found].slice(0, NAMED_MAX).map(([number, closes]) => ({ number, closes, is_given: number === given }));
}

function namedIn(words: string, origin: string, { owner, name }: RepositoryName, is_first: boolean): NamedIssue[] {
  const here = RegExp.escape(`${owner}/${name}`);
  const pattern = new RegExp(
    `(?:${RegExp.escape(origin)}/${here}/issues/|(?<![\\w/])(?:${here})${is_first ? '?' : ''}#)(\\d{1,9})(?![\\w/])`,
    'giu',
  );
  const all = [...words.matchAll(pattern)];
  return all.flatMap((match) => {
    const number = Number(match[1]);
    const end = match.index + match[0].length;
    const before = words.slice(Math.max(0, match.index - NEAR_CHARS), match.index);
    const after = words.slice(end, end + NEAR_CHARS);
    const alone = all.length === 1 && /^[\s<>.:]*$/.test(words.slice(0, match.index) + words.slice(end));
    const closes = alone || (SOLVE.test(before) && !NOT_BEFORE.test(before) && !NOT_AFTER.test(after));
    return number > 0 ? [{ number, closes }] : [];
  });
}
