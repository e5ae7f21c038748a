import type { RepositoryName } from '../forge.ts';

/** An issue that a prompt names. `closes`: it is what the errand is to solve, and not only mentioned. */
export type NamedIssue = { number: number; closes: boolean };
/** `is_sure`: its number can hardly mean anything else. */
type SeenIssue = NamedIssue & { is_sure: boolean };
/** `is_given`: the prompt has its text, too. */
type FoundIssue = SeenIssue & { is_given: boolean };

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
/** Before the number of an issue, and before the first one of a list: what says that it is one. */
const NAMED = /\b(issues?|bugs?|tickets?|pull requests?|prs?|fehler)\s*:?\s*$/iu;
const BULLET = /[-*+]\s+$/u;
/** Between two numbers of a list. */
const GLUE = /^(?:[\s,;&*+-]|\band\b|\bund\b)*$/iu;
const GLUE_CHARS_MAX = 20;
const QUOTED = /^[ \t]*>.*$/gmu;

/**
 * The issues of the repository that a person asks for: the one in which they mentioned Errand or set the label, and
 * those that their own words name, by `#12`, by `owner/name#12`, or by an address. One that they say to solve, or
 * that the prompt consists of, is closed by the pull request. What others wrote, and quotes, name none. `#12` alone
 * is of the first repository of an errand, as is the place where it was asked for; `is_first`: whether this is the
 * one. Unless its words say what it is, it may also be a step of a list or a colour.
 */
export function issuesOf(prompt: string, origin: string, repository: RepositoryName, is_first: boolean): FoundIssue[] {
  const asked = ASKED_AT.exec(prompt);
  const words = asked ? prompt.slice(0, asked.index).replace(NO_WORDS, '') : prompt;
  const named = namedIn(words.replace(QUOTED, ''), origin, repository, is_first);
  const found = named.map((issue): FoundIssue => ({ ...issue, is_given: false }));
  if (asked && is_first)
    found.unshift({ number: Number(asked[2]), closes: asked[1] === 'issue', is_sure: true, is_given: true });
  return [...Map.groupBy(found, ({ number }) => number)].map(([number, same]) => ({
    number,
    closes: same.some(({ closes }) => closes),
    is_sure: same.some(({ is_sure }) => is_sure),
    is_given: same.some(({ is_given }) => is_given),
  }));
}

/**
 * Those whose numbers can hardly mean anything else, then the others: where not all have room, it is for the former.
 */
export function sureFirst<T extends { is_sure: boolean }>(named: readonly T[]): T[] {
  return named.toSorted((a, b) => Number(b.is_sure) - Number(a.is_sure));
}

function namedIn(words: string, origin: string, { owner, name }: RepositoryName, is_first: boolean): SeenIssue[] {
  const here = RegExp.escape(`${owner}/${name}`);
  const pattern = new RegExp(
    `(?:${RegExp.escape(origin)}/${here}/issues/|(?<![\\w/])(?:${here})${is_first ? '?' : ''}#)([1-9]\\d{0,8})(?![\\w/])`,
    'giu',
  );
  const all = [...words.matchAll(pattern)];
  const found: SeenIssue[] = [];
  let [last_end, is_list] = [0, false];
  for (const match of all) {
    const end = match.index + match[0].length;
    const before = words.slice(Math.max(0, match.index - NEAR_CHARS), match.index);
    const after = words.slice(end, end + NEAR_CHARS);
    const alone = all.length === 1 && /^[\s<>.:]*$/.test(words.slice(0, match.index) + words.slice(end));
    const closes = alone || (SOLVE.test(before) && !NOT_BEFORE.test(before) && !NOT_AFTER.test(after));
    is_list &&= match.index - last_end <= GLUE_CHARS_MAX && GLUE.test(words.slice(last_end, match.index));
    const is_sure = alone || is_list || !match[0].startsWith('#') || isNamed(before.replace(BULLET, ''));
    found.push({ number: Number(match[1]), closes, is_sure });
    [last_end, is_list] = [end, is_sure];
  }
  return found;
}

const isNamed = (before: string): boolean => SOLVE.test(before) || NAMED.test(before);
