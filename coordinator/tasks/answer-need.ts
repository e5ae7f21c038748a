import { HOSTS_MAX } from '../../protocol/api.ts';
import type { NeedAnswerCreate } from '../../protocol/needs.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { isEnded } from '../../protocol/task.ts';
import { alreadyClosed, answerText, checkAnswer, type NeedRow } from '../domain/need.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { dropWaitingItems, putFollowUp } from '../sqlite/follow-ups.ts';
import { findNeed } from '../sqlite/needs.ts';
import { allowHost } from '../sqlite/projects.ts';
import { approveRepositoryCommit } from '../sqlite/task-repositories.ts';
import { approveCommit, findTask, findTaskOf, updateBudget } from '../sqlite/tasks.ts';
import { advance } from './advance.ts';
import { BUDGET_STEPS, raisedBudget } from './ask-at-end.ts';
import { requireBudget, type BudgetBound } from './budget-bound.ts';
import { releaseFollowUps } from './follow-up.ts';
import { storeAnswer } from './needs.ts';
import { sendMessage } from './send-message.ts';

/**
 * Answers a need of this user's task: the first answer counts. `by`: the device, in words. Throws `not_found`,
 * `invalid` for an answer that the need does not take, and `conflict` where it is closed already.
 */
export function answerNeed(
  tx: Tx,
  bounds: BudgetBound,
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
  storeAnswer(tx, task, need, stored, () => carryOut(tx, bounds, task, need, answer, at));
  return { ...need, closed_at: at, answer: stored };
}

/** Carries out what was decided. Returns the message that tells the worker; null: there is none. */
function carryOut(
  tx: Tx,
  bounds: BudgetBound,
  task: TaskRow,
  need: NeedRow,
  answer: NeedAnswerCreate,
  at: string,
): string | null {
  const [choice] = answer.choose;
  switch (need.kind) {
    case 'question':
      return say(tx, task, answerText(need, answer), at, answer.attachments);
    case 'push':
      if (choice !== 'approve') return say(tx, task, answer.text ?? '', at, answer.attachments);
      if (need.commit !== undefined) approveCommit(tx.db, task.id, need.commit, at);
      for (const { key, commit } of need.repositories ?? []) approveRepositoryCommit(tx.db, task.id, key, commit);
      advance(tx, task, { type: 'go_on', at });
      return null;
    case 'host':
      return decideHost(tx, task, need.ref, choice, at);
    case 'budget':
      decideBudget(tx, bounds, task, choice, at);
      return null;
    case 'follow_up':
      return decideFollowUp(tx, task, choice, at);
  }
}

/**
 * The proxy reads the decision from the stored answer, or from the project. A task that has ended goes on with it; one
 * that is parked waits for another decision, and is told later what it may reach. For neither does a refusal change
 * anything.
 */
function decideHost(tx: Tx, task: TaskRow, host: string, choice: string | undefined, at: string): string | null {
  const tell = (text: string) =>
    sendMessage(tx, task, { text: `[Errand] ${host} ${text}`, is_note: true }, at).message_id;
  if (choice === 'no') return isEnded(task.status) || task.status === 'parked' ? null : tell('stays blocked.');
  if (choice === 'project' && task.project_id !== null && !allowHost(tx.db, task.project_id, host, HOSTS_MAX))
    throw new ErrandError('conflict', `The project allows ${HOSTS_MAX} hosts already: remove one first.`);
  return tell('may be reached now. Run the command again if you still need it.');
}

function decideBudget(tx: Tx, bounds: BudgetBound, task: TaskRow, choice: string | undefined, at: string): void {
  const more_usd = BUDGET_STEPS.get(choice ?? '');
  if (more_usd === undefined) {
    const reason = 'budget_exhausted' as const;
    advance(tx, task, { type: 'end_parked', reason, detail: 'You ended it at its budget.', at });
    return;
  }
  const budget_usd = raisedBudget(task, more_usd);
  requireBudget(tx.db, bounds, task.user_id, budget_usd);
  updateBudget(tx.db, task.id, budget_usd, at);
  tx.note(task, { type: 'task.budget', body: { budget_usd } }, at);
  advance(tx, task, { type: 'go_on', at });
}

/** Sends the task what its pull request has had to say meanwhile, and lets it go on by itself again; or never again. */
function decideFollowUp(tx: Tx, task: TaskRow, choice: string | undefined, at: string): string | null {
  if (choice === 'go_on')
    return releaseFollowUps(tx, task, (text) => say(tx, findTask(tx.db, task.id) ?? task, text, at));
  putFollowUp(tx.db, task.id, { rounds: 0, stopped: true, waiting: [] });
  dropWaitingItems(tx.db, task.id);
  return null;
}

function say(tx: Tx, task: TaskRow, text: string, at: string, attachments: string[] = []): string {
  return sendMessage(tx, task, { text, attachments }, at).message_id;
}
