import { LIMITS } from '../../protocol/limits.ts';
import type { TaskStatus } from '../../protocol/task.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { findScheduleRunOf, setScheduleRunOutcome, type ScheduleRunRow } from '../sqlite/schedule-runs.ts';
import { findSchedule, updateSchedule } from '../sqlite/schedules.ts';
import { findTask } from '../sqlite/tasks.ts';

/**
 * Stores in its run how an errand ended, and pauses the schedule after too many failures in a row. It reads the errand
 * as it is now, so a repeat changes nothing. An errand that somebody has taken up again counts as its new end says.
 */
export function settleErrand(tx: Tx, task_id: string): void {
  const task = findTask(tx.db, task_id);
  const run = findScheduleRunOf(tx.db, task_id);
  const outcome = task && outcomeOf(task.status);
  if (!task || !run || !outcome || run.outcome === outcome) return;
  setScheduleRunOutcome(tx.db, run, outcome);
  if (outcome === 'succeeded') setFailures(tx, task, run, 0);
  if (outcome === 'failed') setFailures(tx, task, run, 1);
}

function outcomeOf(status: TaskStatus): ScheduleRunRow['outcome'] | undefined {
  return status === 'succeeded' || status === 'failed' || status === 'cancelled' ? status : undefined;
}

/** Counts one more failure, or begins anew with 0. */
function setFailures(tx: Tx, task: TaskRow, { schedule_id }: ScheduleRunRow, more: 0 | 1): void {
  const schedule = findSchedule(tx.db, schedule_id);
  if (!schedule) return;
  const updated_at = new Date().toISOString();
  const failures = more === 0 ? 0 : schedule.failures + 1;
  const pauses = schedule.paused === null && failures >= LIMITS.schedule_failures_max;
  updateSchedule(tx.db, { ...schedule, failures, updated_at, ...(pauses && { paused: 'failures' as const }) });
  if (pauses)
    tx.note(task, { type: 'schedule.paused', body: { schedule_id, name: schedule.name, failures } }, updated_at);
}
