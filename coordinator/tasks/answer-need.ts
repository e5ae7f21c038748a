import { newId } from '../../protocol/ids.ts';
import type { NeedAnswerCreate } from '../../protocol/needs.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Config } from '../base/config.ts';
import { alreadyClosed, answerText, checkAnswer, type NeedRow } from '../domain/need.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { insertMessage } from '../sqlite/messages.ts';
import { findNeed } from '../sqlite/needs.ts';
import { findTaskOf } from '../sqlite/tasks.ts';
import { advance } from './advance.ts';
import { storeAnswer } from './needs.ts';

type Bounds = Pick<Config, 'member_budget_usd_max'>;

/**
 * Answers a need of this user's task: the first answer counts. `by`: what the client calls itself. Throws `not_found`,
 * `invalid` for an answer that the need does not take, and `conflict` where it is closed already.
 */
export function answerNeed(
  tx: Tx,
  bounds: Bounds,
  user_id: string,
  { id, need_id }: { id: string; need_id: string },
  answer: NeedAnswerCreate,
  by: string | null,
): NeedRow {
  const task = findTaskOf(tx.db, user_id, id);
  const need = task && findNeed(tx.db, id, need_id);
  if (!need) throw new ErrandError('not_found', 'There is no such decision.');
  checkAnswer(need, answer);
  if (need.closed_at !== null) throw alreadyClosed(need);
  if (task.cancel_reason !== null)
    throw new ErrandError('conflict', 'The task is being cancelled, and needs no answer any more.');
  const at = new Date().toISOString();
  const stored = { choose: answer.choose, text: answer.text ?? null, by, at };
  const message_id = act(tx, bounds, task, need, answer, at);
  storeAnswer(tx, task, need, stored, message_id);
  return { ...need, closed_at: at, answer: stored };
}

/** Does what was decided. Returns the message that tells the worker; null: there is none. */
function act(
  tx: Tx,
  _bounds: Bounds,
  task: TaskRow,
  need: NeedRow,
  answer: NeedAnswerCreate,
  at: string,
): string | null {
  switch (need.kind) {
    case 'question':
      return say(tx, task, answerText(need, answer), at);
    case 'push':
    case 'host':
    case 'budget':
      throw new Error(`Needs of the kind ${need.kind} are not asked yet.`);
  }
}

/** Sends a message to the task. A parked task is queued again for it. */
function say(tx: Tx, task: TaskRow, text: string, at: string): string {
  const message_id = newId();
  insertMessage(tx.db, { id: message_id, task_id: task.id, text, created_at: at });
  tx.note(task, { type: 'message.received', body: { message_id, text } }, at);
  advance(tx, task, { type: 'message', at });
  return message_id;
}
