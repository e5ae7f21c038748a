import { newId } from '../../protocol/ids.ts';
import type { Need, NeedAnswerCreate, NeedOption } from '../../protocol/needs.ts';
import { ErrandError } from '../../protocol/problem.ts';

/** A need as stored. `ref` names it within its kind: the call of a question, a host, a commit, an attempt. */
export type NeedRow = Need & { task_id: string; ref: string };

/** What is asked, and what it is about. */
export type NeedAsk = Pick<Need, 'kind' | 'question' | 'host' | 'commit' | 'diff_stat' | 'repositories'> & {
  ref: string;
  options: NeedOption[];
  multiple?: boolean;
  takes_text?: boolean;
};

/** An open need. `at` is an ISO time. */
export function newNeed(task_id: string, ask: NeedAsk, at: string): NeedRow {
  const { multiple = false, takes_text = false } = ask;
  return { ...ask, id: newId(), task_id, multiple, takes_text, asked_at: at, closed_at: null, answer: null };
}

/** What clients see of a need. */
export function needView({ task_id: _task, ref: _ref, ...need }: NeedRow): Need {
  return need;
}

/** The options of a question: their values are their numbers, from 1. */
export function numberedOptions(labels: readonly string[]): NeedOption[] {
  return labels.map((label, i) => ({ value: String(i + 1), label }));
}

/** Throws `invalid`, naming the field, where this need cannot be answered like that. */
export function checkAnswer(need: Need, { choose, text, attachments = [] }: NeedAnswerCreate): void {
  if (choose.length === 0 && text === undefined) throw wrong('/choose', 'or text is required');
  const values = need.options.map(({ value }) => value);
  const unknown = choose.findIndex((value) => !values.includes(value));
  if (unknown >= 0) throw wrong(`/choose/${unknown}`, `must be one of ${values.join(', ') || 'no options: give text'}`);
  if (new Set(choose).size < choose.length) throw wrong('/choose', 'names an option twice');
  if (choose.length > 1 && !need.multiple) throw wrong('/choose', 'may name only one option');
  if (text !== undefined && !need.takes_text) throw wrong('/text', 'is not possible here: choose one of the options');
  const is_read = need.kind === 'question' || (need.kind === 'push' && !choose.includes('approve'));
  if (attachments.length > 0 && !is_read) throw wrong('/attachments', 'are not possible here: nobody would read them');
  if (need.kind !== 'push') return;
  if (choose.includes('approve') && text !== undefined) throw wrong('/text', 'goes with send_back only');
  if (!choose.includes('approve') && text === undefined) throw wrong('/text', 'is missing: say what is to be changed');
}

/** The answer to a question as a message to the agent: the chosen labels, then the text. */
export function answerText({ options, multiple }: Need, { choose, text }: NeedAnswerCreate): string {
  const labels = options.filter(({ value }) => choose.includes(value)).map(({ label }) => label);
  const chosen = multiple && labels.length > 0 ? labels.map((label) => `- ${label}`).join('\n') : labels.join('');
  return [chosen, text ?? ''].filter((part) => part !== '').join('\n\n');
}

/** The refusal of a second answer: it says how the need was answered, by whom and when. */
export function alreadyClosed({ options, answer }: Need): ErrandError {
  if (answer === null)
    return new ErrandError('conflict', 'This needs no answer any more.', { reason: 'needs_no_answer' });
  const { choose, text, by, at } = answer;
  const labels = options.filter(({ value }) => choose.includes(value)).map(({ label }) => label);
  const said = [...labels, ...(text === null ? [] : [text])].map(shorten);
  const words = `${said.map((part) => `“${part}”`).join(', ')} ${by === null ? '' : `from ${shorten(by)} `}at ${at}`;
  return new ErrandError('conflict', `This was answered already: ${words}.`, {
    reason: 'already_answered',
    params: { answer: said.join(', '), at, ...(by !== null && { by: shorten(by) }) },
  });
}

const SHOWN_CHARS_MAX = 100;
const shorten = (text: string): string => {
  const characters = Array.from(text);
  return characters.length > SHOWN_CHARS_MAX ? `${characters.slice(0, SHOWN_CHARS_MAX - 1).join('')}…` : text;
};

function wrong(field: string, message: string): ErrandError {
  return new ErrandError('invalid', `The answer is not valid: ${field} ${message}`, { errors: [{ field, message }] });
}
