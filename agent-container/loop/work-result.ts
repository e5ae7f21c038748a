import { closingNothing, withoutOutcomes } from '../../protocol/closing-text.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { AttemptFailure } from '../base/failure.ts';
import { cutMiddle } from '../base/head-and-tail.ts';
import type { WorkResult } from '../base/work.ts';

const SUBJECT_CHARS_MAX = 72;
const BODY_CHARS_MAX = 4_000;
const DETAIL_CHARS_MAX = 4_000;
/** Text in backticks, an address of the web, or the @ of the name of a person or a team; an e-mail address has none. */
const CODE_OR_MENTION =
  /^(```+)[^]*?^\1|(?<!`)(`+)(?!`)(?:(?!\n\n)[^])*?(?<!`)\2(?!`)|\bhttps?:\/\/[^\s<>`]+|(?<![\p{L}\p{N}_])@(?=[\p{L}\p{N}_])/gmu;

/** The work is done. The model's closing text is the summary; its first line is the commit's subject if it fits. */
export function succeeded(title: string, closing_text: string): WorkResult {
  const summary = closing_text === '' ? 'The work is done; the agent left no summary.' : bounded(closing_text);
  const commit_message = commitMessage(title, closing_text);
  return { status: 'succeeded', reason: null, detail: null, summary, commit_message };
}

/** The work ended without success. The detail keeps the head of a long message, and its tail, which mostly says why. */
export function failed(title: string, closing_text: string, failure: AttemptFailure): WorkResult {
  const { reason, message, retry_at } = failure;
  const detail = cutMiddle(message, DETAIL_CHARS_MAX);
  const commit_message = subjectFrom(title);
  return { status: 'failed', reason, detail, retry_at, summary: bounded(closing_text), commit_message };
}

/** The work waits for an answer without a worker. */
export function parked(title: string): WorkResult {
  return { status: 'parked', reason: null, detail: null, summary: '', commit_message: subjectFrom(title) };
}

/** The user cancelled the work. */
export function cancelled(title: string, closing_text: string): WorkResult {
  const summary = bounded(closing_text);
  return { status: 'cancelled', reason: null, detail: null, summary, commit_message: subjectFrom(title) };
}

/** It mentions nobody at a forge and closes no issue: the pull request does that, where the person has asked for it. */
function commitMessage(title: string, closing_text: string): string {
  const text = withoutOutcomes(closing_text);
  const [first = '', ...rest] = text.split('\n');
  const subject = first
    .slice(0, 2 * SUBJECT_CHARS_MAX)
    .replace(/^[#*\s]+|[*\s.]+$/g, '')
    .replaceAll('`', '')
    .trim();
  const fits = subject !== '' && subject.length <= SUBJECT_CHARS_MAX;
  const body = (fits ? rest.join('\n') : text).trim().slice(0, BODY_CHARS_MAX).toWellFormed();
  const message = `${fits ? subject : subjectFrom(title)}${body === '' ? '' : `\n\n${body}`}\n`;
  return closingNothing(message).replace(CODE_OR_MENTION, (found) => (found === '@' ? '@\u200B' : found));
}

function subjectFrom(title: string): string {
  const line = title.split('\n')[0]?.trim() ?? '';
  if (line.length <= SUBJECT_CHARS_MAX) return line === '' ? 'Carry out a task' : line;
  return `${line.slice(0, SUBJECT_CHARS_MAX - 1).trimEnd()}…`.toWellFormed();
}

/** A long text keeps its end: what became of each comment of a review is there. */
function bounded(text: string): string {
  return cutMiddle(text.toWellFormed(), LIMITS.summary_chars_max);
}
