import { closingNothing } from '../../../protocol/closing-text.ts';
import { quiet } from '../own-words.ts';
import type { NamedIssue } from './pull-issues.ts';

const BEGIN = '<!-- errand: begin -->';
const END = '<!-- errand: end -->';
/** A forge takes 65,536 characters. The rest is for the template. */
const SUMMARY_CHARS_MAX = 20_000;
const TEMPLATE_CHARS_MAX = 20_000;
/** Longer lines of a template are no headings, and wait for nothing. */
const LINE_CHARS_MAX = 200;
const HEADING =
  /^#{1,6}\s+.*\b(description|summary|what|changes?|overview|proposed|beschreibung|\u00E4nderung(en)?)\b/iu;
/** A line of a template that waits for the number of an issue. */
const OPEN_FIXES =
  /^(\s*(?:[-*]\s*)?(?:fix(?:es)?|close[sd]?|resolve[sd]?)\s*(?::\s*)?)#\s*(?:(?:\(.*\)|<.*>|n|xxx)\s*)?$/iu;

export type PullText = {
  summary: string;
  issues: readonly NamedIssue[];
  /** The page of the errand; undefined: the server does not know its own address. */
  url: string | undefined;
  task_id: string;
  /** The pull requests of the same errand in other repositories. */
  others: readonly string[];
  /** An earlier one of the branch that was merged, and its newest commit. */
  merged: { number: number; commit: string } | undefined;
};

/**
 * The text of a new pull request: what the errand did, in the place that the repository's template has for it. What the
 * template asks for otherwise, such as a checklist, stays for the person.
 */
export function pullBody(text: PullText, template: string | undefined): string {
  if (template === undefined || template.trim() === '') return block(text, text.issues);
  const lines = cut(template, TEMPLATE_CHARS_MAX).trim().split(/\r?\n/);
  const closes = text.issues.filter((issue) => issue.closes);
  const find = (kind: RegExp) => lines.findIndex((line) => line.length <= LINE_CHARS_MAX && kind.test(line));
  const at = find(OPEN_FIXES);
  const [first] = closes;
  // The template's own place for the issue is used, so it is named once.
  if (at >= 0 && first) lines[at] = (lines[at] ?? '').replace(OPEN_FIXES, `$1#${first.number}`);
  const issues = at >= 0 ? text.issues.filter((issue) => issue !== first) : text.issues;
  const heading = find(HEADING);
  const before = lines.slice(0, heading + 1);
  return [...before, ...(heading >= 0 ? [''] : []), block(text, issues), '', ...lines.slice(heading + 1)].join('\n');
}

/**
 * The text after a further round of work: Errand's own part is replaced, and all else stays as people left it.
 * Undefined: a person has removed that part, or wrote the whole, and it stays theirs.
 */
export function updatedBody(body: string, text: PullText): string | undefined {
  const [begin, end] = [body.indexOf(BEGIN), body.indexOf(END)];
  if (begin < 0 || end < begin) return undefined;
  const rest = body.slice(0, begin) + body.slice(end + END.length);
  const issues = text.issues.filter(({ number }) => !new RegExp(`#${number}(?!\\d)`).test(rest));
  return body.slice(0, begin) + block(text, issues) + body.slice(end + END.length);
}

function block({ summary, url, task_id, others, merged }: PullText, issues: readonly NamedIssue[]): string {
  const parts = [
    cut(closingNothing(quiet(summary.trim())), SUMMARY_CHARS_MAX),
    issues.map(({ number, closes }) => `${closes ? 'Fixes' : 'Refs'} #${number}`).join('\n'),
    merged === undefined ? '' : mergedWords(merged),
    others.length > 0 ? `Together with ${others.join(', ')}` : '',
    url === undefined ? `_Made by Errand, as ${task_id}._` : `_Made by [an errand](${url})._`,
  ];
  const body = parts.filter((part) => part !== '').join('\n\n');
  return [BEGIN, body, END].join('\n');
}

/** After a squash or a rebase the base does not have the commits of the branch, so a forge shows them once more. */
function mergedWords({ number, commit }: NonNullable<PullText['merged']>): string {
  const again = 'If it was squashed or rebased, the older ones show here again.';
  return `#${number} had the work before, and was merged. New are the commits after \`${commit.slice(0, 12)}\`. ${again}`;
}

/** The beginning of a text, in whole characters: a forge may refuse a half of one. */
function cut(text: string, chars_max: number): string {
  return text.slice(0, chars_max).replace(/[\uD800-\uDBFF]$/, '');
}
