import { LIMITS } from '../../protocol/limits.ts';
import type { WorkEnd } from '../base/work.ts';
import type { Stopped } from './stopped.ts';

const SUBJECT_CHARS_MAX = 72;
const BODY_CHARS_MAX = 4000;
const DETAIL_CHARS_MAX = 4000;

/** The end of work that is done. The model's closing words are the summary, and their first line the commit's subject where it can be one. */
export function succeeded(title: string, words: string): WorkEnd {
  const summary = words === '' ? 'The work is done; the agent left no words about it.' : bounded(words);
  return { status: 'succeeded', reason: null, detail: null, summary, commit_message: commitMessage(title, words) };
}

/** The end of work that was stopped. */
export function failed(title: string, words: string, { reason, message }: Stopped): WorkEnd {
  const detail = shortened(message);
  return { status: 'failed', reason, detail, summary: bounded(words), commit_message: subjectOf(title) };
}

export function cancelled(title: string, words: string): WorkEnd {
  return { status: 'cancelled', reason: null, detail: null, summary: bounded(words), commit_message: subjectOf(title) };
}

function commitMessage(title: string, words: string): string {
  const [first = '', ...rest] = words.split('\n');
  const subject = first
    .replace(/^[#*\s]+|[*\s.]+$/g, '')
    .replaceAll('`', '')
    .trim();
  const fits = subject !== '' && subject.length <= SUBJECT_CHARS_MAX;
  const body = (fits ? rest.join('\n') : words).trim().slice(0, BODY_CHARS_MAX).toWellFormed();
  return `${fits ? subject : subjectOf(title)}${body === '' ? '' : `\n\n${body}`}\n`;
}

function subjectOf(title: string): string {
  const line = title.split('\n')[0]?.trim() ?? '';
  if (line.length <= SUBJECT_CHARS_MAX) return line === '' ? 'Carry out a task' : line;
  return `${line.slice(0, SUBJECT_CHARS_MAX - 1).trimEnd()}…`.toWellFormed();
}

function bounded(words: string): string {
  return words.slice(0, LIMITS.summary_chars_max).toWellFormed();
}

/** The head and the end: the one says what failed, the other mostly why. */
function shortened(message: string): string {
  if (message.length <= DETAIL_CHARS_MAX) return message;
  const half = DETAIL_CHARS_MAX / 2 - 10;
  return `${message.slice(0, half)}\n[…]\n${message.slice(-half)}`.toWellFormed();
}
