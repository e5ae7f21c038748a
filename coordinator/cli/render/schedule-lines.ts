import type { PauseReason, Schedule, ScheduleRun, SkipReason } from '../../../protocol/schedules.ts';
import { localTime } from './format.ts';
import type { Line } from './line.ts';
import { rowLines } from './row.ts';
import { oneLine } from './text.ts';

const PAUSED: Record<PauseReason, string> = {
  person: 'paused',
  failures: 'paused: its errands failed',
  project_gone: 'paused: its project is gone',
};

const SKIPPED: Record<SkipReason, string> = {
  still_at_work: 'the errand before was at work',
  missed: 'the server was down',
  queue_full: 'too many errands were queued',
  spending_cap: 'the spending limit was reached',
  project_gone: 'the project is gone',
  paused: 'paused',
  blocked: 'the account was blocked',
  refused: 'refused',
};

/** A schedule in three short lines: its name, when, and what it did last. `id`: as short as it may be. */
export function scheduleLines(schedule: Schedule, id: string): Line[] {
  const { name, cron, time_zone, next_at, paused, last_run } = schedule;
  return [
    [['bold', id], `  ${oneLine(name, 44)}`],
    [['dim', `  ${cron}  ${time_zone}`]],
    [
      '  ',
      paused === null ? `next ${localTime(next_at)}` : ['yellow', PAUSED[paused]],
      ...(last_run ? ['  last ', ...outcomeOf(last_run)] : []),
    ],
  ];
}

/** A run: when it was due, and what became of it. */
export function runLines(run: ScheduleRun, columns: number): Line[] {
  const { due_at, task_id, by_hand, detail } = run;
  const parts = [
    localTime(due_at),
    ...outcomeOf(run),
    ...(by_hand ? ['by hand'] : []),
    ...(task_id === null ? [] : [['dim', task_id] as const]),
    ...(detail === null ? [] : [oneLine(detail, 200)]),
  ];
  return rowLines(parts, columns);
}

function outcomeOf({ task_id, outcome, reason }: ScheduleRun): Line {
  if (reason !== null) return [['dim', SKIPPED[reason]]];
  if (outcome === null || task_id === null) return ['at work'];
  return [[outcome === 'succeeded' ? 'green' : outcome === 'failed' ? 'red' : 'dim', outcome]];
}
