import type { Need, NeedAnswer, NeedOption } from '../../../protocol/needs.ts';
import type { KnownEvent } from '../../client/known-event.ts';
import { block, type Line } from './line.ts';
import { PROGRAM } from './program.ts';
import { headAndTail, oneLine } from './text.ts';

const OPTION_CHARS_MAX = 160;

/** The command that answers what a task asks. */
export type AnswerWith = (task_id: string, has_options: boolean) => string;

export function answerCommand(task_id: string, has_options: boolean): string {
  return `${PROGRAM} answer ${task_id} ${has_options ? 'NUMBER' : '"…"'}`;
}

type DecisionEvent = Extract<KnownEvent, { type: 'question.asked' | 'need.asked' | 'need.answered' }>;

/** What the person has to decide, and has decided. */
export function decisionLines(task_id: string, { type, body }: DecisionEvent, answerWith: AnswerWith): Line[] {
  switch (type) {
    case 'question.asked':
      return needLines(body.question, numberedOptions(body.options), answerWith(task_id, body.options !== undefined));
    case 'need.asked':
      return askLines(body.need, answerWith(task_id, body.need.options.length > 0));
    case 'need.answered':
      return answerLines(body);
  }
}

/** What a need that is open asks. */
export function openNeedLines(task_id: string, { question, options }: Need): Line[] {
  return needLines(question, options, answerCommand(task_id, options.length > 0));
}

/** A question of the agent has an event of its own. */
function askLines({ kind, question, options }: Need, answer: string): Line[] {
  return kind === 'question' ? [] : needLines(question, options, answer);
}

/** An answer that is sent as a message has the event of the message. */
function answerLines({ message_id, answer }: Extract<DecisionEvent, { type: 'need.answered' }>['body']): Line[] {
  return message_id === null ? [[['dim', `decided: ${answerWords(answer)}`]]] : [];
}

/** What is asked, and the command that answers it. */
function needLines(question: string, options: readonly NeedOption[], answer: string): Line[] {
  return [
    ...block(headAndTail(question, 40, 0), '? ', 'yellow'),
    ...options.map(({ label }, i): Line => [['bold', `  ${i + 1} `], oneLine(label, OPTION_CHARS_MAX)]),
    [
      ['dim', 'answer it with: '],
      ['command', answer],
    ],
  ];
}

function numberedOptions(labels: readonly string[] = []): NeedOption[] {
  return labels.map((label, i) => ({ value: String(i + 1), label }));
}

function answerWords({ choose, text }: NeedAnswer): string {
  return oneLine([...choose, ...(text === null ? [] : [text])].join(', '), OPTION_CHARS_MAX);
}
