import { advance } from '../tasks/advance.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { settleMessage } from '../tasks/message-commands.ts';
import { markTakesMessages } from '../sqlite/attempts.ts';
import { findMessage, markMessageTakenIn } from '../sqlite/messages.ts';
import { updatePlan, updatePushedBranch } from '../sqlite/progress.ts';
import { askQuestion, withdrawNeeds } from '../tasks/needs.ts';
import { updateRepositoryBranch } from '../sqlite/task-repositories.ts';
import { findTask } from '../sqlite/tasks.ts';
import type { TaskRow } from '../domain/task.ts';
import type { TaskAction } from '../domain/task-state.ts';
import type { CheckedEvent } from './validate-events.ts';

/**
 * Updates the task's row from the worker's new events, in the transaction that stores them. `at`: the current time.
 */
export function applyEvents(
  tx: Tx,
  { task_id, attempt }: { task_id: string; attempt: number },
  events: CheckedEvent[],
  at: string,
): void {
  for (const { acts: event } of events)
    switch (event?.type) {
      case 'question.asked':
        askQuestion(tx, act(tx, task_id, { type: 'question_asked', at }), event.body, at);
        break;
      case 'question.closed':
        closeQuestion(tx, act(tx, task_id, { type: 'question_closed', at }), event.body.ref, at);
        break;
      case 'plan.updated':
        updatePlan(tx.db, task_id, event.body.items, at);
        break;
      case 'branch.pushed':
        if (event.body.repository === undefined) updatePushedBranch(tx.db, task_id, event.body.branch, at);
        else updateRepositoryBranch(tx.db, task_id, event.body.repository, event.body.branch, at);
        break;
      case 'input.added':
        if (event.body.message_id !== undefined) hear(tx, task_id, event.body.message_id, at);
        break;
      case 'agent.started':
        if (event.body.takes_messages === true) markTakesMessages(tx.db, task_id, attempt);
        break;
      case 'repository.ready':
      case undefined:
    }
}

/** A message has entered the conversation. */
function hear(tx: Tx, task_id: string, id: string, at: string): void {
  const message = findMessage(tx.db, task_id, id);
  if (message && markMessageTakenIn(tx.db, task_id, id, at)) settleMessage(tx, message, at);
}

/** An answer has closed it before: here it is one that nobody answered, or that an earlier message did. */
function closeQuestion(tx: Tx, task: TaskRow, ref: string, at: string): void {
  withdrawNeeds(tx, task, (need) => need.kind === 'question' && need.ref === ref, at);
}

/** Applies an action to the task's current state, and returns the new one. */
export function act(tx: Tx, task_id: string, action: TaskAction): TaskRow {
  const task = findTask(tx.db, task_id);
  if (!task) throw new Error(`Task ${task_id} does not exist.`);
  return advance(tx, task, action);
}
