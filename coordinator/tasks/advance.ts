import { isEnded } from '../../protocol/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { findAttempt, markAttemptEnded } from '../sqlite/attempts.ts';
import { hasPendingSince } from '../sqlite/messages.ts';
import { updateState } from '../sqlite/tasks.ts';
import { isActive, nextState, type TaskAction } from '../domain/task-state.ts';
import type { TaskRow } from '../domain/task.ts';

/**
 * Lets something happen to a task: the next status by `../domain/task-state.ts`, stored, and noted in the log where the status changed. Gives the
 * task as it is now. `task` must have been read in the same transaction.
 */
export function advance(tx: Tx, task: TaskRow, action: TaskAction): TaskRow {
  const next_state = nextState(task, action);
  if (next_state === task) return task;
  const next: TaskRow = { ...task, ...next_state, updated_at: action.at };
  if (!updateState(tx.db, task.id, task, next_state, action.at))
    throw new Error(`Task ${task.id} changed while it was being changed.`);
  if (next.status !== task.status) {
    // Why the attempt before ended is told where the task is queued again, and not once more with each step of the next.
    const { reason, detail } = isActive(next.status) ? { reason: null, detail: null } : next;
    tx.note(next, { type: 'task.status', body: { from: task.status, to: next.status, reason, detail } }, action.at);
  }
  return next;
}

type End = Extract<TaskAction, { type: 'attempt_ended' }>;

/**
 * Ends a task's current attempt, and with it the attempt's rights. Undefined: that attempt has ended already, or is not the current one.
 * What a person said while it ran, and it never took in, is not lost: a task that would have ended goes on with it, in another attempt.
 */
export function endAttempt(tx: Tx, task: TaskRow, n: number, end: Omit<End, 'type'>): TaskRow | undefined {
  if (task.attempt !== n || !markAttemptEnded(tx.db, task.id, n, end)) return undefined;
  const { status, reason, detail, at } = end;
  const { retry_at } = nextState(task, { type: 'attempt_ended', ...end });
  tx.note(task, { type: 'attempt.ended', body: { status, reason, detail, retry_at } }, at);
  const ended = advance(tx, task, { type: 'attempt_ended', ...end });
  const goesOn = isEnded(ended.status) && ended.status !== 'cancelled' && hasUnheard(tx, task.id, n);
  return goesOn ? advance(tx, ended, { type: 'message', at }) : ended;
}

/** Whether there are messages that came while the attempt ran. Those of before were in its assignment, and would be passed over again. */
function hasUnheard(tx: Tx, task_id: string, n: number): boolean {
  const started_at = findAttempt(tx.db, task_id, n)?.started_at ?? '';
  return hasPendingSince(tx.db, task_id, started_at);
}
