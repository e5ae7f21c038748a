import { z } from 'zod';
import { SCHEMA_WORDS } from './refusal-reasons.ts';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';
import { FurtherRepositories } from './repositories.ts';
import { BUDGET_USD_MAX, Effort, ModelName, Prompt, RepoAddress } from './task.ts';

/*
 * Schedules: errands that start by themselves. Each due time of a schedule has exactly one run: it started an errand,
 * or it says why not.
 *
 * The fields of `cron` are read as the clock on the wall in `time_zone`, so 9 o'clock stays 9 o'clock all year. Each
 * time on the wall happens once:
 * - A time that the clocks skip in spring is due at the moment at which they go forward. Several that are skipped
 *   together are one.
 * - A time that the clocks show twice in autumn is due the first time.
 *
 * Due times that passed while the server was down are made up for by one errand, that of the newest.
 */

/**
 * A cron expression of five fields: minute, hour, day of the month, month, day of the week (0 and 7: Sunday). With both
 * days given, either is enough. A field is `*`, numbers or names, ranges `a-b`, lists `a,b` and steps such as
 * `0-59/15`.
 */
export const Cron = z
  .string()
  .trim()
  .max(LIMITS.cron_chars_max)
  .regex(/^\s*\S+(\s+\S+){4}\s*$/, SCHEMA_WORDS.cron_fields)
  .transform((cron) => cron.split(/\s+/).join(' '));

/** The name of a time zone in the IANA database, such as `Europe/Berlin`. An offset is none: it has no summer time. */
export const TimeZone = z.string().max(100).refine(isTimeZone, SCHEMA_WORDS.not_time_zone);

/** Why a schedule is paused. `person`: somebody paused it. `failures`: too many runs failed in a row. */
export const PauseReason = z.enum(['person', 'failures', 'project_gone']);
export type PauseReason = z.infer<typeof PauseReason>;

/**
 * Why a due time started no errand. `still_at_work`: the errand before has not ended. `missed`: the server was down,
 * and a later due time took its place. `refused`: for another reason, in `detail`.
 */
export const SkipReason = z.enum([
  'still_at_work',
  'missed',
  'queue_full',
  'spending_cap',
  'project_gone',
  'paused',
  'blocked',
  'refused',
]);
export type SkipReason = z.infer<typeof SkipReason>;

export const SCHEDULE_NAME_CHARS_MAX = 100;
const Name = z.string().trim().min(1, 'is empty').max(SCHEDULE_NAME_CHARS_MAX);
const Budget = z.number().positive().max(BUDGET_USD_MAX);

/** Makes a schedule, for a project or a repository. At each run, absent fields come from the project or the server. */
export const ScheduleCreate = z
  .strictObject({
    name: Name.optional().describe(
      'absent: the first line of the prompt; where another schedule has that name, with the place and a number',
    ),
    prompt: Prompt,
    project_id: Id.optional(),
    repo_url: RepoAddress.optional(),
    repositories: FurtherRepositories.optional().describe('further repositories of each errand, as of a new task'),
    cron: Cron,
    time_zone: TimeZone,
    model: ModelName.optional(),
    effort: Effort.optional(),
    budget_usd: Budget.optional().describe('of each errand'),
    enabled: z.boolean().default(true),
  })
  .refine(
    ({ project_id, repo_url }) => (project_id === undefined) !== (repo_url === undefined),
    'needs either project_id or repo_url',
  );
export type ScheduleCreate = z.infer<typeof ScheduleCreate>;

/**
 * Changes a schedule. Absent fields stay unchanged, and null removes a value. A new `project_id` or `repo_url` takes
 * the place of the other. `enabled: true` begins the count of failures anew.
 */
export const SchedulePatch = z
  .strictObject({
    name: Name.optional(),
    prompt: Prompt.optional(),
    project_id: Id.optional(),
    repo_url: RepoAddress.optional(),
    repositories: FurtherRepositories.optional().describe('in place of those before; empty: none'),
    cron: Cron.optional(),
    time_zone: TimeZone.optional(),
    model: ModelName.nullable().optional(),
    effort: Effort.nullable().optional(),
    budget_usd: Budget.nullable().optional(),
    enabled: z.boolean().optional(),
  })
  .refine(
    ({ project_id, repo_url }) => project_id === undefined || repo_url === undefined,
    'needs either project_id or repo_url',
  );
export type SchedulePatch = z.infer<typeof SchedulePatch>;

/** What became of one due time: `task_id`, or `reason`. */
export const ScheduleRun = z.object({
  due_at: Time,
  by_hand: z.boolean().describe('a person started it, between due times'),
  task_id: Id.nullable(),
  outcome: z
    .enum(['succeeded', 'failed', 'cancelled'])
    .nullable()
    .describe('how the errand ended; null: it has not, or there is none'),
  reason: SkipReason.nullable(),
  detail: z.string().nullable().describe('the reason in words, where there is more to say'),
  created_at: Time.describe('when this was decided'),
});
export type ScheduleRun = z.infer<typeof ScheduleRun>;

/** A further repository of a schedule's errands, as it was chosen: by its address or its project. */
const ScheduledRepository = z.object({
  repo_url: z.string().optional(),
  project_id: Id.optional(),
  base_branch: z.string().optional(),
  work_branch: z.string().optional(),
});

/** A schedule of the caller. `next_at`: its next due time, also while it is paused. */
export const Schedule = z.object({
  id: Id,
  name: z.string(),
  prompt: z.string(),
  project_id: Id.nullable(),
  repo_url: z.string().nullable().describe('null: that of the project, or of one that was deleted'),
  repositories: z.array(ScheduledRepository).optional().describe('absent: the server is older than this'),
  cron: z.string(),
  time_zone: z.string(),
  model: z.string().nullable(),
  effort: Effort.nullable(),
  budget_usd: z.number().nullable(),
  enabled: z.boolean(),
  paused: PauseReason.nullable().describe('null: it is enabled'),
  failures: z
    .number()
    .int()
    .nonnegative()
    .describe('how many of its newest runs have failed or were refused in a row, by due time'),
  next_at: Time,
  last_run: ScheduleRun.nullable(),
  created_at: Time,
  updated_at: Time,
});
export type Schedule = z.infer<typeof Schedule>;

/** Newest first. `next_cursor` is null at the end. */
export const SchedulePage = z.object({ items: z.array(Schedule), next_cursor: Id.nullable() });
/** Latest due time first. `next_cursor` is null at the end. */
export const ScheduleRunPage = z.object({ items: z.array(ScheduleRun), next_cursor: Time.nullable() });

/** A page of runs. `cursor`: the `next_cursor` of the page before. */
export const ScheduleRunsQuery = z.strictObject({
  limit: z.coerce.number().int().positive().max(LIMITS.page_items_max).default(LIMITS.page_items_default),
  cursor: Time.optional(),
});

/** When a schedule would run. */
export const DueTimesQuery = z.strictObject({ cron: Cron, time_zone: TimeZone });
/** The next due times, soonest first: three, unless the expression has fewer. */
export const DueTimes = z.object({ items: z.array(Time) });

function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
