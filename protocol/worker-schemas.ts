import { z } from 'zod';
import { Attachment } from './attachments.ts';
import { Delta, NumberedEvent } from './events.ts';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';
import { AssignedRepository, RepositoryResult } from './repositories.ts';
import { BaseCommit, BranchName, Commit, DiffStat, Effort, FailureReason, Hear, WaitingFor } from './task.ts';
import { WorkerWait } from './worker-wait.ts';

/* The bodies of the calls between the coordinator and a worker. `./worker.ts` is the contract that they belong to. */

/** The `seq` of an event; 0 is before the first. */
const Seq = z.number().int().nonnegative();

/** What a person says to a task. A person may change or withdraw it until the worker takes it. */
export const Message = z.object({
  id: Id,
  text: z.string(),
  at: Time,
  attachments: z.array(Attachment).optional().describe('Absent: none.'),
  hear: Hear.optional().describe('When it enters the conversation; absent: `next_call`.'),
  model: z.string().optional().describe('The model of the requests after it; absent: unchanged.'),
  effort: Effort.optional().describe('The effort of the requests after it; absent: unchanged.'),
});
export type Message = z.infer<typeof Message>;

/** The body of the `messages` callback: the worker takes these messages into the conversation. */
export const MessagesTake = z.strictObject({
  attempt: z.number().int().positive(),
  ids: z.array(Id).min(1).max(LIMITS.messages_per_take_max),
});
export type MessagesTake = z.infer<typeof MessagesTake>;

/**
 * The response to the `messages` callback: the messages as they are now, in their order. From here on nobody can change
 * or withdraw them. One that was withdrawn before is missing.
 */
export const MessagesTaken = z.object({ messages: z.array(Message) });
export type MessagesTaken = z.infer<typeof MessagesTaken>;

/** One event of an earlier attempt, for an attempt that resumes the work. */
export const TranscriptEvent = z.object({
  attempt: z.number().int(),
  type: z.string(),
  body: z.record(z.string(), z.unknown()),
});
export type TranscriptEvent = z.infer<typeof TranscriptEvent>;

/** Everything that a worker needs to begin. Names that end in `_ms` are in milliseconds, in `_usd` in US dollars. */
export const Assignment = z.object({
  contract_version: z.number().int().positive(),
  task_id: Id,
  attempt: z.number().int().positive(),
  token: z.string().describe('the task token: the bearer token of every callback'),
  prompt: z.string().describe('What the person asks for; behind it, what the issues that it names say, marked so.'),
  title: z.string(),
  base_branch: z.string().nullable().describe("The branch to start from; null: the branch of the repository's HEAD."),
  branch: z.string().describe('The branch to push to. It begins with `branch_prefix`.'),
  branch_prefix: z
    .string()
    .describe(
      'A push may write only refs that begin with `refs/heads/<branch_prefix>`, or with the same and a `-` for each ' +
        '`/`: for a repository that has a branch in the way, such as `errand`.',
    ),
  work_branch: BranchName.optional().describe(
    'A branch that the person named. Begin there if it exists. Push finished work to `branch` first, then there, as a ' +
      'fast-forward by a push of its own: anything else is refused. Work in progress goes to `branch` alone. Where the ' +
      'branch was removed or replaced meanwhile, leave the work at `branch`.',
  ),
  repo_url: z
    .string()
    .describe(
      "For display and commit messages. The worker fetches the repository through the coordinator's git proxy.",
    ),
  model: z.string(),
  effort: Effort.optional().describe("For the model's requests; absent: `medium`."),
  max_turns: z.number().int().positive().describe('Answers of the model in this attempt, before it is `turn_limit`.'),
  budget_usd: z.number().positive(),
  spent_usd: z.number().nonnegative(),
  time_limit_ms: z
    .number()
    .int()
    .positive()
    .describe('How long the attempt may take from the time that the repository is ready.'),
  setup_command: z.string().nullable(),
  verify_command: z.string().nullable(),
  instructions: z.string().optional().describe('What the person wants of every task of the project. Absent: nothing.'),
  env: z.record(z.string(), z.string()).describe("The project's variables for the environment of the commands."),
  secrets: z
    .array(z.string())
    .optional()
    .describe(
      'The names in `env` whose values are secret. The worker must not print these values, push them or put them ' +
        'into events. Absent: all of them are.',
    ),
  author: z.object({ name: z.string(), email: z.string() }).describe('The author of the commits.'),
  egress: z
    .enum(['none', 'registries', 'list', 'open'])
    .describe('What the forward proxy allows. Unless it is `none`, the worker sets HTTPS_PROXY for its commands.'),
  heartbeat_ms: z.number().int().positive(),
  lease_ms: z.number().int().positive(),
  spool_bytes_max: z.number().int().positive(),
  transcript: z
    .array(TranscriptEvent)
    .describe('The stored events of the conversation so far, of all attempts, in order. Empty for a first attempt.'),
  known: z
    .object({ attempt: z.number().int().positive(), last_seq: z.number().int().nonnegative() })
    .optional()
    .describe(
      'The newest attempt with a stored event (an earlier one, or this one where its process was restarted), and ' +
        'the number of its newest stored event. The coordinator does not know later events of that attempt, which the ' +
        'spool may have. Absent: no event is stored yet.',
    ),
  attachments: z
    .array(Attachment)
    .optional()
    .describe(
      'The attachments of the prompt, and of the messages that are part of the conversation. The worker fetches each ' +
        'with the `attachments` call. Absent: none.',
    ),
  park_after_ms: z
    .number()
    .int()
    .positive()
    .optional()
    .describe(
      'After how long without an answer to a question the worker may end with the status `parked`. Absent: the ' +
        'coordinator does not know that status.',
    ),
  ask_before_push: z
    .boolean()
    .optional()
    .describe(
      'True: only `approved_commit` may be pushed, and the coordinator refuses any other. The worker pushes nothing else, ' +
        'and names the finished commit in its result as `held_commit`. The work stays in the workspace.',
    ),
  approved_commit: Commit.nullable()
    .optional()
    .describe('With `ask_before_push`: what may be pushed; null: nothing yet.'),
  plan_first: z
    .boolean()
    .optional()
    .describe('True: before its first change the worker asks the person with a plan. A worker may leave this out.'),
  has_pushed: z.boolean().optional().describe('False: no push was begun, so unchanged work needs no verify command.'),
  repositories: z
    .array(AssignedRepository)
    .optional()
    .describe(
      'The repositories beside the first: see "Several repositories". A worker that works in them says ' +
        '`takes_repositories`. Absent: none.',
    ),
  messages: z.array(Message).describe('The messages that have not entered the conversation yet.'),
});
export type Assignment = z.infer<typeof Assignment>;

/**
 * The event types that make up a transcript. The assignment of a later attempt has only these. `repository.ready` is no
 * part of the conversation: it names the workspace that the events after it are about.
 */
export const TRANSCRIPT_TYPES = [
  'repository.ready',
  'conversation.started',
  'turn.finished',
  'tool.started',
  'tool.finished',
  'input.added',
  'plan.updated',
] as const;

/**
 * The event types about a process that is gone. Where they were not acknowledged, the next attempt leaves them out:
 * they would be wrong about the new process.
 */
export const PROCESS_TYPES = [
  'agent.started',
  'step.started',
  'repository.ready',
  'turn.started',
  'turn.retried',
  'question.asked',
  'question.closed',
  'limit.near',
] as const;

/** The response to `GET /healthz`. `agent` and `version` name the worker's program. */
export const WorkerHealth = z.object({
  ok: z.literal(true),
  contract_version: z.number().int(),
  agent: z.string(),
  version: z.string(),
});
export type WorkerHealth = z.infer<typeof WorkerHealth>;

/** The response to `GET /status`. */
export const WorkerStatus = z.object({
  state: z.enum(['idle', 'working', 'ending']),
  task_id: Id.nullable(),
  attempt: z.number().int().nullable(),
  last_seq: Seq.describe('The `seq` of the newest event; 0 before the first.'),
  acked_seq: Seq.describe('The `seq` of the newest event that was acknowledged; 0 before the first.'),
  waiting_for: WaitingFor.nullable(),
});
export type WorkerStatus = z.infer<typeof WorkerStatus>;

/** The body of `POST /messages`. */
export const MessagesPush = z.object({ messages: z.array(Message).max(100) });
/** The body of `POST /cancel`. */
export const CancelPush = z.object({ reason: z.string().max(500) });

/**
 * The body of the `events` callback. The whole body is limited by `LIMITS.callback_body_bytes_max`, and its structure
 * by `callback_body_nodes_max`, `body_depth_max`, `body_elements_max` and `body_keys_max`. Errors: `events_missing`,
 * `event_conflict`, `too_large`.
 */
export const EventsPost = z.strictObject({
  attempt: z.number().int().positive(),
  events: z.array(NumberedEvent).max(LIMITS.events_per_post_max),
  deltas: z.array(Delta).max(LIMITS.deltas_per_post_max).default([]),
  waiting_for: WorkerWait.nullable()
    .optional()
    .describe('What the worker waits for now; null: nothing. Absent: no change.'),
});
export type EventsPost = z.infer<typeof EventsPost>;

/** The body of the `heartbeat` callback. `last_seq`: the `seq` of the newest event. */
export const Heartbeat = z.strictObject({
  attempt: z.number().int().positive(),
  last_seq: z.number().int().nonnegative(),
  waiting_for: WorkerWait.nullable(),
});
export type Heartbeat = z.infer<typeof Heartbeat>;

/** The body of the `result` callback. Errors: `events_missing` where `last_seq` is above the stored events. */
export const ResultPost = z.strictObject({
  attempt: z.number().int().positive(),
  last_seq: z.number().int().nonnegative(),
  status: z
    .enum(['succeeded', 'failed', 'cancelled', 'parked'])
    .describe(
      '`parked`: a question of this attempt is open, and the worker ends so that it need not wait for the answer. Only ' +
        'where the assignment has `park_after_ms`.',
    ),
  reason: FailureReason.nullable().describe('Set with the status `failed`, null with any other.'),
  detail: z.string().max(4000).nullable(),
  retry_at: Time.nullable()
    .optional()
    .describe(
      'With `model_unavailable`, `repository_unavailable` or `push_failed`: when the service takes requests again, ' +
        'as it said itself. The task waits until then, without a worker, and that costs no attempt. Absent or null: ' +
        'it did not say.',
    ),
  summary: z.string().max(LIMITS.summary_chars_max),
  branch: BranchName.nullable().describe(
    'Null if nothing was pushed. What an earlier attempt has pushed then stays the result of the task.',
  ),
  commit: Commit.nullable().describe(
    'If it is the base commit, all that was pushed was taken back: the branch is at its base again.',
  ),
  held_commit: Commit.optional().describe(
    'With `succeeded`, where the assignment has `ask_before_push`: the commit that was not pushed because nobody has ' +
      'approved it. The diff is that of this commit.',
  ),
  base_commit: BaseCommit,
  diff_stat: DiffStat,
  diff: z
    .string()
    .describe(
      '`git diff` from the base commit to the commit, or to the work that could not be pushed, at most ' +
        `${LIMITS.diff_bytes_max} bytes with those of further repositories; cut where \`diff_truncated\`. With as much ` +
        'context as there is room for: whoever reads it opens the lines between the changes.',
    ),
  diff_truncated: z.boolean(),
  repositories: z
    .array(RepositoryResult)
    .max(LIMITS.repositories_max - 1)
    .optional()
    .describe('One for each further repository of the assignment that was cloned. Absent: none.'),
});
export type ResultPost = z.infer<typeof ResultPost>;

/** What a callback reply asks the worker to do. `cancel`: null unless the task is to be stopped. */
export const Control = z.object({
  messages: z.array(Message),
  cancel: z.object({ reason: z.string() }).nullable(),
});
export type Control = z.infer<typeof Control>;

/** The response to the `events`, `heartbeat` and `result` callbacks. */
export const CallbackReply = z.object({
  acked_seq: Seq.describe("The `seq` of this attempt's newest stored event; 0 before the first."),
  control: Control,
  token: z
    .string()
    .optional()
    .describe(
      'A new token, only in the reply to a heartbeat, once half the lifetime of the old one is over. The old one ' +
        'stays valid until it expires.',
    ),
});
export type CallbackReply = z.infer<typeof CallbackReply>;
