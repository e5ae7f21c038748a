import { isEnded } from '../protocol/task.ts';
import type { Tx } from './log.ts';
import { findAttempt, markAttemptEnded } from './sqlite/attempts.ts';
import { hasPendingSince } from './sqlite/messages.ts';
import { updateLife } from './sqlite/tasks.ts';
import { isActive, live, type Happening } from './task-life.ts';
import type { TaskRow } from './task.ts';

/**
 * Lets something happen to a task: the next status by `task-life.ts`, stored, and noted in the log where the status changed. Gives the
 * task as it is now. `task` must have been read in the same transaction.
 */
export function advance(tx: Tx, task: TaskRow, happening: Happening): TaskRow {
  const life = live(task, happening);
  if (life === task) return task;
  const next: TaskRow = { ...task, ...life, updated_at: happening.at };
  if (!updateLife(tx.db, task.id, task, life, happening.at))
    throw new Error(`Task ${task.id} changed while it was being changed.`);
  if (next.status !== task.status) {
    // Why the attempt before ended is told where the task is queued again, and not once more with each step of the next.
    const { reason, detail } = isActive(next.status) ? { reason: null, detail: null } : next;
    tx.note(next, { type: 'task.status', body: { from: task.status, to: next.status, reason, detail } }, happening.at);
  }
  return next;
}

type End = Extract<Happening, { type: 'attempt_ended' }>;

/**
 * Ends a task's current attempt, and with it the attempt's rights. Undefined: that attempt has ended already, or is not the current one.
 * What a person said while it ran, and it never took in, is not lost: a task that would have ended goes on with it, in another attempt.
 */
export function endAttempt(tx: Tx, task: TaskRow, n: number, end: Omit<End, 'type'>): TaskRow | undefined {
  if (task.attempt !== n || !markAttemptEnded(tx.db, task.id, n, end)) return undefined;
  const { status, reason, detail, at } = end;
  const { retry_at } = live(task, { type: 'attempt_ended', ...end });
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
