import type { SchedulePatch } from '../../protocol/schedules.ts';
import { requireCron } from '../schedules/cron.ts';
import { dueTimes } from '../schedules/due-times.ts';
import {
  createSchedule,
  patchSchedule,
  removeSchedule,
  requireSchedule,
  runSchedule,
  runView,
  scheduleView,
} from '../schedules/schedule-commands.ts';
import type { RunDefaults } from '../schedules/start-run.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { listScheduleRuns } from '../sqlite/schedule-runs.ts';
import { listSchedules } from '../sqlite/schedules.ts';
import { checkFurther, checkRepository, type RepositoryChecks } from './check-repositories.ts';
import { pageOf } from './page.ts';
import { withRepositories } from './repository-input.ts';
import type { Handlers } from './router.ts';

type Schedules =
  | 'createSchedule'
  | 'listSchedules'
  | 'getSchedule'
  | 'patchSchedule'
  | 'deleteSchedule'
  | 'runSchedule'
  | 'listScheduleRuns'
  | 'listDueTimes';

type ScheduleHandlerDependencies = RunDefaults & Omit<RepositoryChecks, 'db'> & { log: EventLog };

const DUE_TIMES_SHOWN = 3;

/** Schedules and their runs. */
export function scheduleHandlers({
  log,
  repositories,
  forges,
  ...defaults
}: ScheduleHandlerDependencies): Pick<Handlers, Schedules> {
  const { db } = log;
  const check = async (user_id: string, { repo_url, repositories: others }: SchedulePatch) => {
    const checks = { db, repositories, forges };
    await checkFurther(checks, user_id, others);
    await checkRepository(checks, user_id, { repo_url });
  };
  return {
    createSchedule: ({ who, body, writeAfter, audit }) => {
      const input = withRepositories(body);
      return writeAfter(
        () => check(who.user_id, input),
        (tx) => {
          const schedule = createSchedule(tx, defaults, who.user_id, input, Date.now());
          const { id, name, cron, time_zone } = schedule;
          audit(tx, { action: 'schedule.created', subject: id, detail: { name, cron, time_zone } });
          return scheduleView(tx.db, schedule);
        },
      );
    },
    listSchedules: ({ who, query: { cursor, limit } }) => {
      const { items, next_cursor } = pageOf(listSchedules(db, who.user_id, cursor, limit + 1), limit);
      return { items: items.map((schedule) => scheduleView(db, schedule)), next_cursor };
    },
    getSchedule: ({ who, params }) => scheduleView(db, requireSchedule(db, who.user_id, params.id)),
    patchSchedule: ({ who, params, body, writeAfter, audit }) => {
      const patch = withRepositories(body);
      return writeAfter(
        () => check(who.user_id, patch),
        (tx) => {
          const schedule = patchSchedule(tx, defaults, who.user_id, params.id, patch, Date.now());
          audit(tx, { action: 'schedule.changed', subject: schedule.id, detail: { fields: Object.keys(body) } });
          return scheduleView(tx.db, schedule);
        },
      );
    },
    deleteSchedule: ({ who, params, audit }) => {
      log.write((tx) => {
        removeSchedule(tx, who.user_id, params.id);
        audit(tx, { action: 'schedule.removed', subject: params.id });
      });
      return undefined;
    },
    ...runHandlers(log, defaults),
  };
}

/** What became of due times, and when the next ones are. */
function runHandlers(
  log: EventLog,
  defaults: RunDefaults,
): Pick<Handlers, 'runSchedule' | 'listScheduleRuns' | 'listDueTimes'> {
  return {
    runSchedule: ({ who, params, write }) =>
      write((tx) => runSchedule(tx, defaults, who.user_id, params.id, Date.now())),
    listScheduleRuns: ({ who, params, query: { cursor, limit } }) => {
      const { id } = requireSchedule(log.db, who.user_id, params.id);
      const rows = listScheduleRuns(log.db, id, cursor, limit + 1);
      const items = rows.slice(0, limit).map(runView);
      return { items, next_cursor: rows.length > limit ? (items.at(-1)?.due_at ?? null) : null };
    },
    listDueTimes: ({ query }) => {
      requireCron(query.cron);
      const items = dueTimes(query, Date.now())
        .take(DUE_TIMES_SHOWN)
        .map((at) => new Date(at).toISOString())
        .toArray();
      return { items };
    },
  };
}
