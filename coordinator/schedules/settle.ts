import { tellOfPause } from '../notifications/tell-channels.ts';
import { LIMITS } from '../../protocol/limits.ts';
import type { TaskStatus } from '../../protocol/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import {
  countFailuresInRow,
  findScheduleRunOf,
  newestErrandOf,
  setScheduleRunOutcome,
  type ScheduleRunRow,
} from '../sqlite/schedule-runs.ts';
import { findSchedule, updateSchedule, type ScheduleRow } from '../sqlite/schedules.ts';
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
  const schedule = findSchedule(tx.db, run.schedule_id);
  if (!schedule) return;
  const updated_at = new Date().toISOString();
  updateSchedule(tx.db, { ...schedule, ...countFailures(tx, schedule, updated_at), updated_at });
}

function outcomeOf(status: TaskStatus): ScheduleRunRow['outcome'] | undefined {
  return status === 'succeeded' || status === 'failed' || status === 'cancelled' ? status : undefined;
}

/**
 * How many of its runs have failed in a row, and whether it pauses for that: its newest errand says so, if it has
 * one.
 */
export function countFailures(tx: Tx, schedule: ScheduleRow, at: string): Pick<ScheduleRow, 'failures' | 'paused'> {
  const { id: schedule_id, name, paused, failures_since } = schedule;
  const failures = countFailuresInRow(tx.db, schedule_id, failures_since);
  if (paused !== null || failures < LIMITS.schedule_failures_max) return { failures, paused };
  const task = findTask(tx.db, newestErrandOf(tx.db, schedule_id) ?? '');
  if (task) tx.note(task, { type: 'schedule.paused', body: { schedule_id, name, failures } }, at);
  tellOfPause(tx, schedule, at);
  return { failures, paused: 'failures' };
}
