import type { Tx } from './log.ts';
import { markAttemptEnded } from './sqlite/attempts.ts';
import { updateLife } from './sqlite/tasks.ts';
import { live, type Happening } from './task-life.ts';
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
  if (next.status !== task.status)
    tx.note(
      next,
      { type: 'task.status', body: { from: task.status, to: next.status, reason: next.reason, detail: next.detail } },
      happening.at,
    );
  return next;
}

type End = Extract<Happening, { type: 'attempt_ended' }>;

/** Ends a task's current attempt, and with it the attempt's rights. Undefined: that attempt has ended already, or is not the current one. */
export function endAttempt(tx: Tx, task: TaskRow, n: number, end: Omit<End, 'type'>): TaskRow | undefined {
  if (task.attempt !== n || !markAttemptEnded(tx.db, task.id, n, end)) return undefined;
  const life = live(task, { type: 'attempt_ended', ...end });
  const { status, reason, detail } = end;
  tx.note(task, { type: 'attempt.ended', body: { status, reason, detail, retry_at: life.retry_at } }, end.at);
  return advance(tx, task, { type: 'attempt_ended', ...end });
}
