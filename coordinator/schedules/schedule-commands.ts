import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Schedule, ScheduleCreate, SchedulePatch, ScheduleRun } from '../../protocol/schedules.ts';
import { present } from '../base/present.ts';
import { isoTime } from '../base/iso-time.ts';
import { firstKey } from '../domain/task-repository.ts';
import type { Db } from '../sqlite/database.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { findProjectOf } from '../sqlite/projects.ts';
import { insertScheduleRun, listScheduleRuns, newestDueTime, type ScheduleRunRow } from '../sqlite/schedule-runs.ts';
import {
  countSchedules,
  deleteSchedule,
  findScheduleOf,
  insertSchedule,
  isScheduleAtWork,
  updateSchedule,
  type ScheduleRow,
} from '../sqlite/schedules.ts';
import { requireBudget } from '../tasks/budget-bound.ts';
import { chooseRepositories } from '../tasks/choose-repositories.ts';
import { requirePrice } from '../tasks/task-commands.ts';
import { requireCron } from './cron.ts';
import { nextDue } from './due-times.ts';
import { handleDue } from './handle-due.ts';
import { freeName, requireFreeName } from './schedule-name.ts';
import { isProjectGone, queueErrand, type RunDefaults } from './start-run.ts';

/* What a person can do to a schedule, each in the caller's transaction. `now`: milliseconds since 1970. */

const PROJECT_GONE = 'A project of this schedule was deleted: give it another one.';
const CATCHING_UP = 'The server still goes through the due times of its last outage: try again in a moment.';

/** Makes a schedule. Its first due time is the next one after now. */
export function createSchedule(
  tx: Tx,
  defaults: RunDefaults,
  user_id: string,
  input: ScheduleCreate,
  now: number,
): ScheduleRow {
  if (countSchedules(tx.db, user_id) >= LIMITS.schedules_per_user_max)
    throw new ErrandError('conflict', `You have ${LIMITS.schedules_per_user_max} schedules: delete one first.`);
  requireFields(tx.db, defaults, user_id, input);
  const {
    enabled,
    project_id = null,
    repo_url = null,
    repositories = [],
    model = null,
    effort = null,
    budget_usd = null,
  } = input;
  const { prompt, cron, time_zone } = input;
  const place = findProjectOf(tx.db, user_id, project_id ?? '')?.name ?? firstKey({ repo_url: repo_url ?? '' });
  const { name = freeName(tx.db, user_id, prompt, place) } = input;
  const at = isoTime(now);
  const fields = { name, prompt, project_id, repo_url, repositories, cron, time_zone, model, effort, budget_usd };
  const schedule: ScheduleRow = {
    id: newId(),
    user_id,
    ...fields,
    paused: enabled ? null : 'person',
    failures: 0,
    failures_since: '',
    handled_until: at,
    next_at: isoTime(nextDue(input, now)),
    created_at: at,
    updated_at: at,
  };
  requireRepositories(tx.db, schedule);
  requireFreeName(tx.db, user_id, name);
  insertSchedule(tx.db, schedule);
  return schedule;
}

/** Changes the fields of the patch. Due times that have passed are handled first, as the schedule was. */
export function patchSchedule(
  tx: Tx,
  defaults: RunDefaults,
  user_id: string,
  id: string,
  patch: SchedulePatch,
  now: number,
): ScheduleRow {
  const isDue = () => Date.parse(requireSchedule(tx.db, user_id, id).next_at) <= now;
  if (isDue()) handleDue(tx, defaults, id, now);
  if (isDue()) throw new ErrandError('unavailable', CATCHING_UP, { retry_after_s: 5 });
  requireFields(tx.db, defaults, user_id, patch);
  const before = requireSchedule(tx.db, user_id, id);
  // Schedules of one name in old databases stay until one of them is renamed.
  if (patch.name !== undefined && patch.name !== before.name) requireFreeName(tx.db, user_id, patch.name, id);
  const has_home = [patch.project_id, patch.repo_url, patch.repositories].some((given) => given !== undefined);
  const { enabled, ...fields } = patch;
  const next: ScheduleRow = {
    ...before,
    ...present(fields),
    ...(patch.project_id !== undefined && { repo_url: null }),
    ...(patch.repo_url !== undefined && { project_id: null }),
    ...(enabled === false && before.paused === null && { paused: 'person' as const }),
    ...(has_home && before.paused === 'project_gone' && { paused: null }),
    ...(enabled === true && { paused: null, failures: 0, failures_since: newestDueTime(tx.db, id) }),
    updated_at: isoTime(now),
  };
  if (has_home) requireRepositories(tx.db, next);
  if (next.paused === null && isProjectGone(tx, next))
    throw new ErrandError('conflict', PROJECT_GONE, { errors: [{ field: '/project_id', message: 'was deleted' }] });
  // Its new times begin now: none of them lies in what was handled.
  const moved = next.cron !== before.cron || next.time_zone !== before.time_zone;
  const timed = moved ? { ...next, handled_until: isoTime(now), next_at: isoTime(nextDue(next, now)) } : next;
  updateSchedule(tx.db, timed);
  return timed;
}

/** Deletes a schedule with its runs. Its errands stay, and go on. */
export function removeSchedule(tx: Tx, user_id: string, id: string): void {
  deleteSchedule(tx.db, requireSchedule(tx.db, user_id, id).id);
}

/**
 * Starts the errand of a schedule now, paused or not. Its due times stay as they are. Throws `conflict` while the
 * errand before is at work, and what `createTask` throws.
 */
export function runSchedule(tx: Tx, defaults: RunDefaults, user_id: string, id: string, now: number): ScheduleRun {
  const schedule = requireSchedule(tx.db, user_id, id);
  if (isProjectGone(tx, schedule)) throw new ErrandError('conflict', PROJECT_GONE);
  if (isScheduleAtWork(tx.db, id))
    throw new ErrandError('conflict', 'The errand before has not ended: wait for it, or cancel it.');
  const task = queueErrand(tx, defaults, schedule);
  // Due times are whole minutes: a run by hand never takes the place of one.
  const due_at = isoTime(now % 1000 === 0 ? now + 1 : now);
  const nothing = { outcome: null, reason: null, detail: null };
  const run = { schedule_id: id, due_at, by_hand: true, task_id: task.id, ...nothing, created_at: isoTime(now) };
  if (!insertScheduleRun(tx.db, run)) throw new ErrandError('conflict', 'It was started at this very moment.');
  return runView(run);
}

/** The schedule. Throws `not_found` if the user has no such schedule. */
export function requireSchedule(db: Db, user_id: string, id: string): ScheduleRow {
  const schedule = findScheduleOf(db, user_id, id);
  if (!schedule) throw new ErrandError('not_found', 'There is no such schedule.');
  return schedule;
}

/** The schedule as its person sees it. */
export function scheduleView(
  db: Db,
  { user_id: _user, handled_until: _until, failures_since: _since, ...schedule }: ScheduleRow,
): Schedule {
  const [last] = listScheduleRuns(db, schedule.id, undefined, 1);
  return { ...schedule, enabled: schedule.paused === null, last_run: last ? runView(last) : null };
}

/** A run as its person sees it. */
export function runView({ schedule_id: _id, ...run }: ScheduleRunRow): ScheduleRun {
  return run;
}

/** Refuses what no errand of the schedule could have. */
function requireFields(db: Db, { config, models }: RunDefaults, user_id: string, fields: SchedulePatch): void {
  const { cron, project_id, model, budget_usd } = fields;
  if (cron !== undefined) requireCron(cron);
  if (project_id !== undefined && !findProjectOf(db, user_id, project_id))
    throw new ErrandError('not_found', 'There is no such project.');
  if (model !== undefined && model !== null) requirePrice(model, models);
  requireBudget(db, config, user_id, budget_usd);
}

/** Refuses further repositories that no errand of the schedule could have. */
function requireRepositories(db: Db, { user_id, project_id, repo_url, repositories }: ScheduleRow): void {
  const first = repo_url ?? findProjectOf(db, user_id, project_id ?? '')?.repo_url;
  if (first !== undefined) chooseRepositories(db, user_id, first, repositories);
}
