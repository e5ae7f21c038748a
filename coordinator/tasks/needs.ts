import type { Need, NeedAnswer } from '../../protocol/needs.ts';
import { needView, newNeed, numberedOptions, type NeedAsk, type NeedRow } from '../domain/need.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { closeNeed, findNeedByRef, insertNeed, listOpenNeeds, setAnswerMessage } from '../sqlite/needs.ts';

/*
 * The decisions that a task needs, as they are asked and closed. `./answer-need.ts` answers them. Every change is an
 * event in the transaction that makes it.
 */

type Asker = Pick<TaskRow, 'id' | 'user_id' | 'attempt'>;

/**
 * Asks the person. Undefined: nothing is asked, because the same is open, or it is a question that was answered already
 * and that a resumed worker asks again. Anything else is decided anew: work that was sent back may come again
 * unchanged.
 */
export function askNeed(tx: Tx, task: Asker, ask: NeedAsk, at: string): NeedRow | undefined {
  const before = findNeedByRef(tx.db, task.id, ask.kind, ask.ref);
  if (before?.closed_at === null) return undefined;
  if (ask.kind === 'question' && before?.answer && before.question === ask.question) return undefined;
  const need = newNeed(task.id, ask, at);
  insertNeed(tx.db, need);
  tx.note(task, { type: 'need.asked', body: { need: needView(need) } }, at);
  return need;
}

type Question = { ref: string; question: string; options?: string[] | undefined; multiple?: boolean | undefined };

/** The agent asks. An agent asks one question at a time: earlier ones are withdrawn. */
export function askQuestion(tx: Tx, task: Asker, question: Question, at: string): void {
  const { ref, question: text, options = [], multiple = false } = question;
  const isEarlier = (need: NeedRow) => need.kind === 'question' && need.ref !== ref;
  withdrawNeeds(tx, task, isEarlier, at);
  const numbered = numberedOptions(options);
  askNeed(tx, task, { kind: 'question', ref, question: text, options: numbered, multiple, takes_text: true }, at);
}

/** Closes open needs without an answer. */
export function withdrawNeeds(tx: Tx, task: Asker, which: (need: NeedRow) => boolean, at: string): void {
  for (const need of listOpenNeeds(tx.db, task.id).filter(which)) {
    closeNeed(tx.db, need.id, at, null);
    tx.note(task, { type: 'need.closed', body: { need_id: need.id } }, at);
  }
}

/**
 * Stores the answer of an open need, carries it out, and tells everyone. `carryOut` returns the message that tells the
 * worker; null: there is none. The need is closed before, so that what follows from its answer does not withdraw it.
 */
export function storeAnswer(tx: Tx, task: Asker, need: Need, answer: NeedAnswer, carryOut: () => string | null): void {
  if (!closeNeed(tx.db, need.id, answer.at, answer)) throw new Error(`The need ${need.id} is closed already.`);
  const message_id = carryOut();
  if (message_id !== null) setAnswerMessage(tx.db, need.id, message_id);
  tx.note(task, { type: 'need.answered', body: { need_id: need.id, answer, message_id } }, answer.at);
}

/**
 * A message answers the open question, and sends back what waits for approval. Other needs stay as they are. Returns
 * whether there was one.
 */
export function answerByMessage(tx: Tx, task: Asker, message: { id: string; text: string }, at: string): boolean {
  const needs = listOpenNeeds(tx.db, task.id).filter(({ kind }) => kind === 'question' || kind === 'push');
  for (const need of needs) {
    const choose = need.kind === 'push' ? ['send_back'] : [];
    storeAnswer(tx, task, need, { choose, text: message.text, by: null, at }, () => message.id);
  }
  return needs.length > 0;
}
