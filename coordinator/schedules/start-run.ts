import type { SkipReason } from '../../protocol/schedules.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Config } from '../base/config.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { findProjectOf } from '../sqlite/projects.ts';
import { isScheduleAtWork, type ScheduleRow } from '../sqlite/schedules.ts';
import { findUser } from '../sqlite/users.ts';
import { capsLeft } from '../tasks/spending-caps.ts';
import { createTask, type TaskDefaults } from '../tasks/task-commands.ts';

/** What a schedule's errands need of the server. */
export type RunDefaults = TaskDefaults & { config: Pick<Config, 'person_month_usd' | 'server_month_usd'> };

/** Why no errand was started. */
export type Skipped = { reason: SkipReason; detail: string | null };

/** Queues the errand of a schedule, unless there is a reason not to. */
export function startRun(tx: Tx, defaults: RunDefaults, schedule: ScheduleRow, now: number): TaskRow | Skipped {
  const skipped = whyNot(tx, defaults, schedule, now);
  if (skipped) return skipped;
  try {
    return queueErrand(tx, defaults, schedule);
  } catch (error) {
    // What the server refuses is stated; anything else is an error, and the due time is handled again.
    if (!(error instanceof ErrandError)) throw error;
    const full = error.code === 'unavailable';
    return full ? { reason: 'queue_full', detail: null } : { reason: 'refused', detail: error.message };
  }
}

/** Queues the errand of a schedule. Throws what `createTask` throws. */
export function queueErrand(tx: Tx, defaults: RunDefaults, schedule: ScheduleRow): TaskRow {
  const { id, user_id, prompt, project_id, repo_url, repositories, model, effort, budget_usd } = schedule;
  const input = {
    prompt,
    ...(project_id !== null && { project_id }),
    ...(repo_url !== null && { repo_url }),
    ...(repositories.length > 0 && { repositories }),
    ...(model !== null && { model }),
    ...(effort !== null && { effort }),
    ...(budget_usd !== null && { budget_usd }),
  };
  return createTask(tx, defaults, user_id, input, id);
}

/** Whether a project of the schedule was deleted, or is being deleted. */
export function isProjectGone({ db }: Pick<Tx, 'db'>, { user_id, repositories, ...first }: ScheduleRow): boolean {
  return [first, ...repositories].some(
    ({ project_id = null, repo_url = null }) =>
      repo_url === null && (project_id === null || findProjectOf(db, user_id, project_id) === undefined),
  );
}

function whyNot(tx: Tx, { config }: RunDefaults, schedule: ScheduleRow, now: number): Skipped | undefined {
  const { id, user_id, paused } = schedule;
  if (paused !== null) return { reason: 'paused', detail: null };
  const blocked_at = findUser(tx.db, user_id)?.blocked_at ?? null;
  if (blocked_at !== null) return { reason: 'blocked', detail: null };
  if (isProjectGone(tx, schedule)) return { reason: 'project_gone', detail: null };
  if (isScheduleAtWork(tx.db, id)) return { reason: 'still_at_work', detail: null };
  const spent = capsLeft(tx.db, config, user_id, now).find(({ cap_usd, cost_usd }) => cost_usd >= cap_usd);
  return spent && { reason: 'spending_cap', detail: `${spent.refusal}, and that much is spent.` };
}
