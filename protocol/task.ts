import { z } from 'zod';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';

/** Where a task is in its life. The last three are its ends; a message or a retry brings an ended task back to `queued`. */
export const TaskStatus = z.enum(['queued', 'starting', 'running', 'waiting', 'succeeded', 'failed', 'cancelled']);
export type TaskStatus = z.infer<typeof TaskStatus>;

/** Whether nothing more happens to a task in this status until a person acts. */
export function isEnded(status: TaskStatus): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'cancelled';
}

/**
 * Why an attempt did not succeed. `true`: worth another attempt, since another one may fare better; `false`: it would end the same way.
 */
export const FAILURE_IS_WORTH_A_RETRY = {
  /** The worker fell silent, its container was lost, or its process died. */
  worker_lost: true,
  /** The worker went on calling, and its work stood still for longer than what it waited for may take. */
  worker_hung: true,
  worker_start_failed: true,
  /** Once: a worker that runs out of memory twice in a row would do so for ever. */
  out_of_memory: true,
  /** The Claude API could not be reached, or was overloaded for longer than the worker waits. */
  model_unavailable: true,
  repository_unavailable: true,
  push_failed: true,
  /** No repository there, or no right to read it. */
  repository_not_found: false,
  push_rejected: false,
  setup_failed: false,
  verify_failed: false,
  budget_exhausted: false,
  turn_limit: false,
  time_limit: false,
  /** The model refused to go on. */
  refused: false,
  /** The key was refused, or the request was one that the API does not take. */
  model_rejected: false,
  context_exhausted: false,
  /** The agent repeated itself, or its answers were cut off, over and over. */
  stuck: false,
  disk_full: false,
  /** The workspace outgrew what the server gives an errand. A further attempt begins with a new one. */
  workspace_full: false,
  agent_error: false,
} as const;
export type FailureReason = keyof typeof FAILURE_IS_WORTH_A_RETRY;
export const FailureReason = z.enum(Object.keys(FAILURE_IS_WORTH_A_RETRY) as [FailureReason, ...FailureReason[]]);

/**
 * Tokens and money. `input_tokens` are those that no cache served, as the API counts them; the four token counts are disjoint.
 * `cost_usd` comes from the server's price table.
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

export const DiffStat = z.object({
  files: z.number().int().nonnegative(),
  insertions: z.number().int().nonnegative(),
  deletions: z.number().int().nonnegative(),
});
export type DiffStat = z.infer<typeof DiffStat>;

export const Commit = z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/, 'is not a commit hash');

const silent_since = Time.optional().describe(
  'since when nothing came: no byte of the answer, no output of the command; absent while something does',
);

/**
 * What a task waits for; always known, always shown. `since` and `until` are times; `until` is there where an end is known.
 */
export const WaitingFor = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('queue'),
    since: Time,
    place: z.number().int().positive(),
    retry_at: Time.optional(),
    reason: z.string().optional().describe('what keeps the server from starting any task'),
  }),
  z.object({ kind: z.literal('worker'), since: Time }),
  z.object({ kind: z.literal('repository'), since: Time }),
  z.object({ kind: z.literal('model'), since: Time, silent_since }),
  z.object({ kind: z.literal('command'), since: Time, command: z.string(), until: Time.optional(), silent_since }),
  z.object({ kind: z.literal('limit'), since: Time, until: Time, reason: z.string() }),
  z.object({ kind: z.literal('person'), since: Time, question: z.string(), until: Time.optional() }),
  /** The coordinator's own: the worker has not called since. At `until` it loses its attempt. */
  z.object({ kind: z.literal('silent_worker'), since: Time, until: Time }),
]);
export type WaitingFor = z.infer<typeof WaitingFor>;

export const PlanItem = z.object({
  text: z.string().min(1).max(300),
  status: z.enum(['pending', 'in_progress', 'done']),
});
export type PlanItem = z.infer<typeof PlanItem>;

/**
 * The name of a way to start workers: `docker`, `process`, or one that a later server brings. The set is open: a client shows a name
 * that it does not know as it is.
 */
export const RunnerName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,31}$/,
    'is not a runner name: a lower-case letter, then up to 31 letters, digits or dashes',
  );
export type RunnerName = z.infer<typeof RunnerName>;

/** One execution of a task by one worker. `n` counts from 1 and fences: what an older one sends is refused. */
export const Attempt = z.object({
  n: z.number().int().positive(),
  status: z.enum(['starting', 'running', 'succeeded', 'failed', 'cancelled']),
  reason: FailureReason.nullable(),
  detail: z.string().nullable(),
  runner: RunnerName,
  worker: z.string(),
  warm: z.boolean().describe('whether it was handed to a worker that had been started ahead of time'),
  started_at: Time,
  ended_at: Time.nullable(),
});
export type Attempt = z.infer<typeof Attempt>;

/** What came of a task. `branch` and `commit` are null where nothing was changed. */
export const TaskResult = z.object({
  summary: z.string(),
  branch: z.string().nullable(),
  commit: Commit.nullable(),
  base_commit: Commit.nullable(),
  diff_stat: DiffStat,
});
export type TaskResult = z.infer<typeof TaskResult>;

/** A task as every route shows it. */
export const Task = z.object({
  id: Id,
  project_id: Id.nullable(),
  repo_url: z.string(),
  prompt: z.string(),
  title: z.string().describe('the first line of the prompt, cut to 80 characters'),
  base_branch: z.string().nullable().describe("null: the repository's own default"),
  model: z.string(),
  budget_usd: z.number().positive(),
  max_turns: z.number().int().positive(),
  priority: z.number().int(),
  status: TaskStatus,
  reason: FailureReason.nullable().describe('why it failed'),
  detail: z.string().nullable().describe('the same in words'),
  waiting_for: WaitingFor.nullable(),
  queue_place: z.number().int().positive().nullable(),
  branch: z.string().nullable(),
  attempt: z.number().int().nonnegative().describe('the number of the newest attempt; 0 before the first'),
  usage: Usage,
  plan: z.array(PlanItem),
  result: TaskResult.nullable(),
  created_at: Time,
  updated_at: Time,
  started_at: Time.nullable(),
  ended_at: Time.nullable(),
});
export type Task = z.infer<typeof Task>;

/** A task and its attempts, oldest first: what `GET /tasks/:id` answers. */
export const TaskDetail = Task.extend({ attempts: z.array(Attempt) });
export type TaskDetail = z.infer<typeof TaskDetail>;

export const BUDGET_USD_MAX = 1000;
export const TURNS_MAX = 1000;

const noControls = /^[^\p{Cc}]*$/u;
/** A branch name by git's own rules (git-check-ref-format), and never like an option. */
export const BranchName = z
  .string()
  .min(1)
  .max(200)
  .refine(
    (name) =>
      noControls.test(name) &&
      !/[\s~^:?*[\\]|\.\.|@\{|\/\/|\.lock(\/|$)|(^|\/)\.|\/$|\.$|^\/|^-|^@$/.test(name) &&
      !name.startsWith('refs/'),
    'is not a branch name',
  );

/** The repository that ships with Errand: a small project with one failing test, made into a bare repository at first use. */
export const SAMPLE_REPO_URL = 'errand://sample';

/**
 * A repository's address as a person pastes it: with or without `https://`, a page of the repository on its forge (`…/tree/main`, `…/pull/12`), or the ssh
 * form. The server turns it into the http or https address that it clones from, which is the one it answers, or refuses it and says which form it takes.
 */
export const RepoAddress = z.string().max(LIMITS.repo_address_chars_max);

export const Prompt = z.string().trim().min(1, 'is empty').max(LIMITS.text_chars_max);
export const ModelName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z0-9][A-Za-z0-9.:@-]*$/, 'is not a model name');
