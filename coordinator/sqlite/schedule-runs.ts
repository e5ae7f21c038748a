import type { ScheduleRun } from '../../protocol/schedules.ts';
import { numberOf, sql, type Db } from './database.ts';
import { ENDED } from './status-sets.ts';

/** A row of `schedule_runs`: what became of one due time. Times are ISO. */
export type ScheduleRunRow = ScheduleRun & { schedule_id: string };
type Stored = Omit<ScheduleRunRow, 'by_hand'> & { by_hand: number };

const fromStored = (row: Stored): ScheduleRunRow => ({ ...row, by_hand: row.by_hand === 1 });

/** Stores what became of a due time. False: it has its run already, which stays. */
export function insertScheduleRun(db: Db, run: ScheduleRunRow): boolean {
  const { changes } = sql(
    db,
    `INSERT INTO schedule_runs (schedule_id, due_at, by_hand, task_id, outcome, reason, detail, created_at)
     VALUES (:schedule_id, :due_at, :by_hand, :task_id, :outcome, :reason, :detail, :created_at)
     ON CONFLICT (schedule_id, due_at) DO NOTHING`,
  ).run({ ...run, by_hand: run.by_hand ? 1 : 0 });
  return changes === 1;
}

/** Whether the due time has its run. */
export function hasScheduleRun(db: Db, schedule_id: string, due_at: string): boolean {
  return (
    sql(db, 'SELECT 1 FROM schedule_runs WHERE schedule_id = ? AND due_at = ?').get(schedule_id, due_at) !== undefined
  );
}

/** A page of a schedule's runs that were due before `before`, the latest first. */
export function listScheduleRuns(
  db: Db,
  schedule_id: string,
  before: string | undefined,
  limit: number,
): ScheduleRunRow[] {
  return sql<Stored>(
    db,
    'SELECT * FROM schedule_runs WHERE schedule_id = ? AND due_at < ? ORDER BY due_at DESC LIMIT ?',
  )
    .all(schedule_id, before ?? '~', limit)
    .map(fromStored);
}

/** The run that started this errand. Undefined: no schedule did, or the run is not kept any more. */
export function findScheduleRunOf(db: Db, task_id: string): ScheduleRunRow | undefined {
  const row = sql<Stored>(db, 'SELECT * FROM schedule_runs WHERE task_id = ?').get(task_id);
  return row && fromStored(row);
}

/** The newest due time of a schedule that has its run; '': none has. */
export function newestDueTime(db: Db, schedule_id: string): string {
  const row = sql<{ due_at: string | null }>(
    db,
    'SELECT max(due_at) AS due_at FROM schedule_runs WHERE schedule_id = ?',
  ).get(schedule_id);
  return row?.due_at ?? '';
}

/**
 * How many runs have failed or were refused since the newest that succeeded, by due time. Those that were cancelled,
 * are at work or had no reason to start neither count nor end the row. `since`: only runs that were due after it.
 */
export function countFailuresInRow(db: Db, schedule_id: string, since: string): number {
  const count = `SELECT count(*) FROM schedule_runs
     WHERE schedule_id = :schedule_id AND due_at > :since AND (outcome = 'failed' OR reason = 'refused')
       AND due_at > coalesce(
         (SELECT max(due_at) FROM schedule_runs WHERE schedule_id = :schedule_id AND outcome = 'succeeded'), '')`;
  return numberOf(db, count, { schedule_id, since });
}

/** The errand that the newest run with one has started; undefined: none has. */
export function newestErrandOf(db: Db, schedule_id: string): string | undefined {
  const text = `SELECT task_id FROM schedule_runs WHERE schedule_id = ? AND task_id IS NOT NULL
     ORDER BY due_at DESC LIMIT 1`;
  return sql<{ task_id: string }>(db, text).get(schedule_id)?.task_id;
}

/** Why the newest due time was refused; undefined: it was not. */
export function findRefusal(db: Db, schedule_id: string): string | undefined {
  const newest = listScheduleRuns(db, schedule_id, undefined, 1)[0];
  return newest?.reason === 'refused' ? (newest.detail ?? undefined) : undefined;
}

/** Stores how the errand of a run ended. */
export function setScheduleRunOutcome(
  db: Db,
  { schedule_id, due_at }: Pick<ScheduleRunRow, 'schedule_id' | 'due_at'>,
  outcome: ScheduleRunRow['outcome'],
): void {
  sql(db, 'UPDATE schedule_runs SET outcome = ? WHERE schedule_id = ? AND due_at = ?').run(
    outcome,
    schedule_id,
    due_at,
  );
}

/** The errands that have ended while their runs do not say so yet. `schedule_id`: only of this schedule. */
export function listUnsettledErrands(db: Db, schedule_id: string | null, limit: number): string[] {
  return sql<{ task_id: string }>(
    db,
    `SELECT task_id FROM schedule_runs INDEXED BY schedule_runs_open JOIN tasks ON tasks.id = task_id
     WHERE outcome IS NULL AND task_id IS NOT NULL AND (:schedule_id IS NULL OR schedule_runs.schedule_id = :schedule_id)
       AND status IN ${ENDED}
     ORDER BY due_at LIMIT :limit`,
  )
    .all({ schedule_id, limit })
    .map(({ task_id }) => task_id);
}

/** Deletes the runs of a schedule behind its newest `kept`. */
export function pruneScheduleRuns(db: Db, schedule_id: string, kept: number): void {
  sql(
    db,
    `DELETE FROM schedule_runs WHERE schedule_id = :schedule_id AND due_at <
       (SELECT due_at FROM schedule_runs WHERE schedule_id = :schedule_id ORDER BY due_at DESC LIMIT 1 OFFSET :newer)`,
  ).run({ schedule_id, newer: kept - 1 });
}

/** Forgets the due times after `now` that started nothing: the clock was ahead when they were decided. */
export function forgetRunsAhead(db: Db, schedule_id: string, now: string): void {
  sql(db, 'DELETE FROM schedule_runs WHERE schedule_id = ? AND due_at > ? AND task_id IS NULL').run(schedule_id, now);
}
