import type { NumberedEvent } from '../../protocol/events.ts';
import { advance } from '../tasks/advance.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { markMessageTakenIn } from '../sqlite/messages.ts';
import { updatePlan, updatePushedBranch } from '../sqlite/progress.ts';
import { findTask } from '../sqlite/tasks.ts';
import type { TaskAction } from '../domain/task-state.ts';

/** Brings what a task's row says into line with the worker's new events, in the transaction that stores them. `at`: now. */
export function applyEvents(tx: Tx, task_id: string, events: NumberedEvent[], at: string): void {
  for (const event of events)
    switch (event.type) {
      case 'question.asked':
        act(tx, task_id, { type: 'question_asked', at });
        break;
      case 'question.closed':
        act(tx, task_id, { type: 'question_closed', at });
        break;
      case 'plan.updated':
        updatePlan(tx.db, task_id, event.body.items, at);
        break;
      case 'branch.pushed':
        updatePushedBranch(tx.db, task_id, event.body.branch, at);
        break;
      case 'input.added':
        if (event.body.message_id !== undefined) markMessageTakenIn(tx.db, task_id, event.body.message_id, at);
        break;
      default:
    }
}

/** Lets something happen to the task as it stands now. */
export function act(tx: Tx, task_id: string, action: TaskAction): void {
  const task = findTask(tx.db, task_id);
  if (!task) throw new Error(`Task ${task_id} is gone.`);
  advance(tx, task, action);
}
