import { FurtherRepositories } from '../../protocol/repositories.ts';
import type { PauseReason, Schedule } from '../../protocol/schedules.ts';
import type { Effort } from '../../protocol/task.ts';
import { numberOf, sql, type Db } from './database.ts';
import { ENDED } from './status-sets.ts';

/** A row of `schedules`. Times are ISO. */
export type ScheduleRow = {
  id: string;
  user_id: string;
  name: string;
  /** Null with `repo_url` null: its project was deleted. */
  project_id: string | null;
  repo_url: string | null;
  /** Those beside the first one, as they were chosen: what they mean is decided at each run. */
  repositories: NonNullable<Schedule['repositories']>;
  prompt: string;
  cron: string;
  time_zone: string;
  model: string | null;
  effort: Effort | null;
  budget_usd: number | null;
  /** Why its due times start nothing; null: they start errands. */
  paused: PauseReason | null;
  /** How many of its newest runs have failed, or were refused, in a row. */
  failures: number;
  /** Only runs that were due after this are counted: a person took the schedule up again then. '': all. */
  failures_since: string;
  /** Each due time up to this one has its run. */
  handled_until: string;
  /** When it is looked at next: at the first due time after `handled_until`, or later after an error. */
  next_at: string;
  created_at: string;
  updated_at: string;
};

type Stored = Omit<ScheduleRow, 'repositories'> & { repositories: string };

function fromStored(row: Stored): ScheduleRow {
  return { ...row, repositories: FurtherRepositories.parse(JSON.parse(row.repositories)) };
}

function toStored(schedule: ScheduleRow): Stored {
  return { ...schedule, repositories: JSON.stringify(schedule.repositories) };
}

/** Adds a schedule. */
export function insertSchedule(db: Db, schedule: ScheduleRow): void {
  sql(
    db,
    `INSERT INTO schedules (id, user_id, name, project_id, repo_url, repositories, prompt, cron, time_zone, model, effort, budget_usd, paused, failures, failures_since,
       handled_until, next_at, created_at, updated_at)
     VALUES (:id, :user_id, :name, :project_id, :repo_url, :repositories, :prompt, :cron, :time_zone, :model, :effort, :budget_usd, :paused, :failures, :failures_since,
       :handled_until, :next_at, :created_at, :updated_at)`,
  ).run(toStored(schedule));
}

/** Stores every field of a schedule that can change. Read the schedule in the same transaction. */
export function updateSchedule(db: Db, schedule: ScheduleRow): void {
  sql(
    db,
    `UPDATE schedules SET name = :name, project_id = :project_id, repo_url = :repo_url, repositories = :repositories, prompt = :prompt, cron = :cron, time_zone = :time_zone,
       model = :model, effort = :effort, budget_usd = :budget_usd, paused = :paused, failures = :failures, failures_since = :failures_since,
       handled_until = :handled_until, next_at = :next_at, updated_at = :updated_at
     WHERE id = :id`,
  ).run(toStored(schedule));
}

/** The schedule, whoever owns it. In a person's request use `findScheduleOf`. */
export function findSchedule(db: Db, id: string): ScheduleRow | undefined {
  const row = sql<Stored>(db, 'SELECT * FROM schedules WHERE id = ?').get(id);
  return row && fromStored(row);
}

/** The schedule, if it belongs to this user. */
export function findScheduleOf(db: Db, user_id: string, id: string): ScheduleRow | undefined {
  const row = sql<Stored>(db, 'SELECT * FROM schedules WHERE id = ? AND user_id = ?').get(id, user_id);
  return row && fromStored(row);
}

/** A page of a user's schedules with ids below `before`, newest first. */
export function listSchedules(db: Db, user_id: string, before: string | undefined, limit: number): ScheduleRow[] {
  return sql<Stored>(
    db,
    `SELECT * FROM schedules INDEXED BY schedules_by_user WHERE user_id = :user_id AND id < :before
     ORDER BY id DESC LIMIT :limit`,
  )
    .all({ user_id, before: before ?? '~', limit })
    .map(fromStored);
}

/** How many schedules a user has. */
export function countSchedules(db: Db, user_id: string): number {
  return numberOf(db, 'SELECT count(*) FROM schedules WHERE user_id = ?', user_id);
}

/** Deletes a schedule with its runs; its errands stay. */
export function deleteSchedule(db: Db, id: string): void {
  sql(db, 'DELETE FROM schedules WHERE id = ?').run(id);
}

/** The statement of `listDueSchedules`; a test checks that it uses its index. */
export const LIST_DUE_SCHEDULES = `SELECT id FROM schedules INDEXED BY schedules_due
   WHERE next_at <= :now AND user_id NOT IN (SELECT id FROM removed) ORDER BY next_at LIMIT :limit`;

/** Some schedules that are due, the longest waiting first. Those of deleted accounts are left out. */
export function listDueSchedules(db: Db, now: string, limit: number): string[] {
  return sql<{ id: string }>(db, LIST_DUE_SCHEDULES)
    .all({ now, limit })
    .map(({ id }) => id);
}

/** Looks at a schedule again later. */
export function postponeSchedule(db: Db, id: string, next_at: string): void {
  sql(db, 'UPDATE schedules SET next_at = ? WHERE id = ?').run(next_at, id);
}

/** A page of all schedules with ids above `after`, in ascending order. */
export function listAllSchedules(db: Db, after: string, limit: number): ScheduleRow[] {
  return sql<Stored>(db, 'SELECT * FROM schedules WHERE id > ? ORDER BY id LIMIT ?').all(after, limit).map(fromStored);
}

/** Whether an errand that the schedule has started has not ended. */
export function isScheduleAtWork(db: Db, id: string): boolean {
  const row = sql(
    db,
    `SELECT 1 FROM tasks INDEXED BY tasks_of_schedule
     WHERE schedule_id = ? AND status NOT IN ${ENDED} LIMIT 1`,
  ).get(id);
  return row !== undefined;
}
