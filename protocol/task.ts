import { z } from 'zod';
import { SCHEMA_WORDS } from './refusal-reasons.ts';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';
import { BaseCommit, Commit, DiffStat } from './change.ts';
import { FailureReason } from './failures.ts';
import { EFFORTS, TASK_STATUSES } from './without-schemas.ts';
import { Need } from './needs.ts';
import { PullRequest } from './pulls.ts';
import { BranchName, RepoAddress, TaskRepository } from './repositories.ts';

export { BaseCommit, BranchName, Commit, DiffStat, FailureReason, RepoAddress };
export { BUDGET_USD_MAX, isEnded, needsYou, openNeeds, SAMPLE_REPO_URL } from './without-schemas.ts';

/** The state of a task. */
export const TaskStatus = z
  .enum(TASK_STATUSES)
  .describe(
    '`waiting`: its worker waits for the person. `parked`: it waits for the person without a worker; the answer queues ' +
      'it again. In the last three it has ended; a message or a retry sets it back to `queued`.',
  );
export type TaskStatus = z.infer<typeof TaskStatus>;

/** An app of the version before refuses a reason that it does not know, and with it the whole list. */
export const Capped = z
  .boolean()
  .optional()
  .describe('what may be spent in the month is reached: `reason` is `model_unavailable` then. Absent: it is not');

/**
 * The usage of model requests. The four token counts are disjoint: `input_tokens` leaves out the tokens that were
 * written to or read from the prompt cache. `cost_usd`: US dollars, by the server's price table.
 */
export const Usage = z.object({
  requests: z.number().int().nonnegative(),
  input_tokens: z.number().int().nonnegative(),
  cache_write_tokens: z.number().int().nonnegative(),
  cache_read_tokens: z.number().int().nonnegative(),
  output_tokens: z.number().int().nonnegative(),
  cost_usd: z.number().nonnegative(),
});
export type Usage = z.infer<typeof Usage>;

const silent_since = Time.optional().describe(
  'since when the model or the command sends nothing; absent while it sends something',
);

/** What a task waits for. `since`: when the wait began. `until`: when it ends at the latest, if known. */
export const WaitingFor = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('queue'),
    since: Time,
    place: z.number().int().positive(),
    retry_at: Time.optional(),
    reason: z.string().optional().describe('why the server starts no task now'),
  }),
  z.object({ kind: z.literal('worker'), since: Time }),
  z.object({ kind: z.literal('repository'), since: Time }),
  z.object({ kind: z.literal('model'), since: Time, silent_since }),
  z.object({ kind: z.literal('command'), since: Time, command: z.string(), until: Time.optional(), silent_since }),
  z.object({ kind: z.literal('limit'), since: Time, until: Time, reason: z.string() }),
  z.object({ kind: z.literal('person'), since: Time, question: z.string(), until: Time.optional() }),
  /** Set by the coordinator: the worker has made no call since `since`. At `until` it loses its attempt. */
  z.object({ kind: z.literal('silent_worker'), since: Time, until: Time }),
]);
export type WaitingFor = z.infer<typeof WaitingFor>;

/** How much the model thinks and writes before it answers. More costs more. */
export const Effort = z.enum(EFFORTS);
export type Effort = z.infer<typeof Effort>;

/**
 * When a message enters the conversation. `next_call`: after the tool call in progress, and before the agent does more
 * than read; a command that runs on moves to the background for it. `after_turn`: when the agent ends its turn, so it
 * first does what it was about to do. Where nothing is in progress, or the message answers a question, both mean at
 * once.
 */
export const Hear = z.enum(['next_call', 'after_turn']);
export type Hear = z.infer<typeof Hear>;

/** One step of the agent's plan. */
export const PlanItem = z.object({
  text: z.string().min(1).max(300),
  status: z.enum(['pending', 'in_progress', 'done']),
});
export type PlanItem = z.infer<typeof PlanItem>;

/**
 * The name of a runner, a way to start workers: `docker`, `process`, or one of a later server. The set is open: a
 * client shows an unknown name unchanged.
 */
export const RunnerName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,31}$/,
    'is not a runner name: a lower-case letter, then up to 31 letters, digits or dashes',
  );
export type RunnerName = z.infer<typeof RunnerName>;

/** The name of a worker image in the list of the owner. Which image that is, the server alone knows. */
export const ImageName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,31}$/,
    'is not the name of an image: up to 32 lower-case letters, digits and . _ -, a letter or digit first',
  );

/**
 * One execution of a task by one worker. `n` counts from 1. Callbacks of an older attempt are refused. `reason`: why
 * it failed. `detail`: the same for people.
 */
export const Attempt = z.object({
  n: z.number().int().positive(),
  status: z.enum(['starting', 'running', 'succeeded', 'failed', 'cancelled', 'parked']),
  reason: FailureReason.nullable(),
  capped: Capped,
  detail: z.string().nullable(),
  runner: RunnerName,
  worker: z.string(),
  warm: z.boolean().describe('whether its worker had been started ahead of time'),
  image: ImageName.nullable()
    .optional()
    .describe("the image of its worker; null: the server's default. Absent: the server is older than this"),
  started_at: Time,
  ended_at: Time.nullable(),
});
export type Attempt = z.infer<typeof Attempt>;

/**
 * The result of a task. `branch` and `commit` are null if nothing was pushed. `commit` is the base commit if all that
 * was pushed was taken back.
 */
export const TaskResult = z.object({
  summary: z.string(),
  branch: z.string().nullable(),
  commit: Commit.nullable(),
  base_commit: BaseCommit,
  diff_stat: DiffStat,
});
export type TaskResult = z.infer<typeof TaskResult>;

/** How long attempts were at work. */
const WorkTime = z.object({
  ms: z.number().int().nonnegative().describe('those that have ended, in all'),
  since: Time.nullable().describe('when the one in progress began; null: none is in progress'),
});

/** A task as every route shows it. */
export const Task = z.object({
  id: Id,
  project_id: Id.nullable(),
  schedule_id: Id.nullable()
    .optional()
    .describe('the schedule that started it, which may be deleted by now; absent: the server is older than this'),
  repo_url: z.string(),
  prompt: z.string(),
  title: z.string().describe('the first line of the prompt, cut to 80 characters'),
  base_branch: z.string().nullable().describe('null: the default branch of the repository'),
  work_branch: z
    .string()
    .nullable()
    .optional()
    .describe('the branch that you named for the work; null: it goes to a branch of its own. Absent: an older server'),
  model: z.string().describe('the model that the next attempt begins with'),
  effort: Effort.describe('the effort that the next attempt begins with'),
  model_used: z.string().nullable().optional().describe('the model that gave the newest answer; null: none did yet'),
  effort_used: Effort.nullable()
    .optional()
    .describe('the effort that the newest answer was asked for with; null: none, or the model knows none'),
  budget_usd: z.number().positive(),
  max_turns: z.number().int().positive(),
  priority: z.number().int(),
  ask_before_push: z.boolean().optional().describe('absent: the server is older than this'),
  plan_first: z.boolean().optional().describe('absent: the server is older than this'),
  status: TaskStatus,
  reason: FailureReason.nullable().describe('why it failed'),
  capped: Capped,
  detail: z.string().nullable().describe('why it failed, for people'),
  waiting_for: WaitingFor.nullable(),
  needs: z
    .array(Need)
    .optional()
    .describe('its open decisions, oldest first; absent: the server is older than they are'),
  retry_at: Time.nullable().describe('a queued task does not start before; null: it starts as soon as it can'),
  cancel_reason: z.string().nullable().describe('why it is being cancelled; null: it is not'),
  queue_place: z.number().int().positive().nullable(),
  branch: z.string().nullable(),
  attempt: z.number().int().nonnegative().describe('the number of the newest attempt; 0 before the first'),
  usage: Usage,
  plan: z.array(PlanItem),
  result: TaskResult.nullable(),
  repositories: z
    .array(TaskRepository)
    .optional()
    .describe('all its repositories, where it has several: the first one first; absent: it has one'),
  pulls: z
    .array(PullRequest)
    .optional()
    .describe('its pull requests, oldest first; absent: the server is older than they are'),
  created_at: Time,
  updated_at: Time,
  started_at: Time.nullable(),
  ended_at: Time.nullable(),
  work: WorkTime.optional().describe(
    'how long its attempts were at work: not while it was queued, or waited for a person without a worker. Absent: the ' +
      'server is older than this',
  ),
  archived: z
    .boolean()
    .optional()
    .describe('you put it away; it comes back once it goes on. Absent: the server is older than this'),
  newest_event_id: z.number().int().nonnegative().optional().describe('where its log ends; 0: it is empty'),
  unread: z
    .boolean()
    .optional()
    .describe('it has ended or needs you, and its log goes on behind what you have read on any of your devices'),
  shortened: z
    .boolean()
    .optional()
    .describe('in lists and in the light feed: a long prompt or summary is cut; GET /tasks/:id has the whole'),
});
export type Task = z.infer<typeof Task>;

/** What of a task has changed: its id, and each field that did, with its new value. */
export const TaskChange = Task.partial().required({ id: true });
export type TaskChange = z.infer<typeof TaskChange>;

/** A task and its attempts, oldest first: the response to `GET /tasks/:id`. */
export const TaskDetail = Task.extend({ attempts: z.array(Attempt) });
export type TaskDetail = z.infer<typeof TaskDetail>;

/** The highest limit of a task's turns. */
export const TURNS_MAX = 1000;

/** The text of a prompt or message. */
export const Prompt = z.string().trim().min(1, 'is empty').max(LIMITS.text_chars_max);
/** What a person wants of every task of a project. */
export const Instructions = z
  .string()
  .trim()
  .max(8_000)
  .describe('what you want of every errand of the project; empty: nothing');
/** The name of a model. */
export const ModelName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9.:@-]*$/, SCHEMA_WORDS.not_model);
