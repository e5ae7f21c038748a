import { closingNothing } from './closing-text.ts';
import type { Task } from './task.ts';
import { UNSEEN } from './unseen.ts';

const TITLE_CHARS_MAX = 100;
/** How much of a line is read. */
const LINE_CHARS_MAX = 500;
/** How an agent begins a report of what it did. That is no title. */
const REPORT = /^(i|i've|i'm|we|we've|done|all|the|this|here|both|everything|ok|okay|great|perfect|sure)\b/i;

/**
 * The title of a pull request: the heading that the result begins with, or its first line if that is short and no
 * sentence about the agent's own work; else the title of the task.
 */
export function pullTitleOf({ title, result }: Pick<Task, 'title' | 'result'>): string {
  const [whole = ''] = (result?.summary ?? '').trim().split(/\r?\n/, 1);
  const first = whole.slice(0, LINE_CHARS_MAX);
  const heading = /^#{1,6}\s+(\S.*)$/.exec(first)?.[1]?.replace(/#+\s*$/, '');
  const line = plain(heading ?? first);
  const is_title = heading !== undefined || (line.length <= 72 && !/[.:!?]$/.test(line) && !REPORT.test(line));
  const text = is_title && line !== '' && !/^summary$/i.test(line) ? line : plain(title);
  const characters = Array.from(text);
  return characters.length > TITLE_CHARS_MAX ? `${characters.slice(0, TITLE_CHARS_MAX - 1).join('')}…` : text;
}

/**
 * Emphasis around words, such as `*this*`. Asterisks that stand alone, as in `*.ts`, mean themselves. So do
 * underscores: in a title they are more often part of a name, such as `__init__`.
 */
const EMPHASIS = /(?<![\p{L}\p{N}*])(\*{1,3})(?=[\p{L}\p{N}`"'(])([^*]*[\p{L}\p{N}`"'.!?)])\1(?![\p{L}\p{N}*])/gu;

/**
 * Without emphasis, code marks and what is not seen, on one line. A zero-width space keeps a mention from being one,
 * and the title from closing an issue: a merge takes it into its message. What is to be closed is in the text.
 */
function plain(text: string): string {
  const line = text
    .slice(0, LINE_CHARS_MAX)
    .replace(EMPHASIS, '$2')
    .replace(/(?<!`)(`+)([^`]+)\1(?!`)/g, '$2')
    .replace(/\s+/g, ' ')
    .replaceAll(UNSEEN, '')
    .replace(/(?<![A-Za-z0-9])@(?=[\p{L}\p{N}_])/gu, '@\u200B')
    .trim();
  return closingNothing(line);
}
