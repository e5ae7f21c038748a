import { z } from 'zod';
import { Id, Time } from './ids.ts';
import { Commit, DiffStat, FailureReason, PlanItem, RunnerName, TaskStatus, Usage } from './task.ts';

/*
 * The event log is the single source of truth. A task's events are append-only rows. What a client shows, what a
 * reconnecting client replays and the transcript that a later attempt resumes from are all computed from these rows.
 *
 * A worker writes the events of `WorkerEvent` and numbers them from 1 in each attempt. The coordinator writes those
 * of `CoordinatorEvent`, which have no `seq`. Bodies may gain fields: a reader must ignore unknown fields and types.
 * But the coordinator validates a worker's event strictly, so that the author of the worker notices mistakes.
 */

/** A coordinator's event. */
const event = <T extends string, S extends z.ZodRawShape>(type: T, body: S) =>
  z.strictObject({ type: z.literal(type), body: z.strictObject(body) });

/** A worker's event in a callback. `seq` counts from 1 in each attempt. `at` is the time of the worker's clock. */
const numbered = <T extends string, S extends z.ZodRawShape>(type: T, body: S) =>
  z.strictObject({ seq: z.number().int().positive(), at: Time, type: z.literal(type), body: z.strictObject(body) });

/** A content block of the Claude API, stored unchanged: the API refuses a transcript whose blocks were modified. */
const ContentBlock = z.looseObject({ type: z.string() });
const text = z.string().max(200_000);
const ms = z.number().int().nonnegative();
const turn = z.number().int().positive();

/** The fixed steps of a worker. */
export const Step = z.enum(['clone', 'setup', 'work', 'verify', 'push']);

/** The tokens of one model request, as the API counted them. */
export const TurnUsage = Usage.omit({ requests: true, cost_usd: true });

/** A worker's event with its number: the events that a worker posts. */
export const NumberedEvent = z.discriminatedUnion('type', [
  /**
   * The first event of each attempt. `agent` and `version` name the worker's program. `resumed`: there is a
   * transcript to continue.
   */
  numbered('agent.started', { agent: z.string().max(100), version: z.string().max(100), resumed: z.boolean() }),
  numbered('step.started', { step: Step }),
  /**
   * The repository was cloned or updated. `commit`: the commit that the work starts from; null in an empty
   * repository.
   */
  numbered('repository.ready', {
    branch: z.string(),
    base_branch: z.string(),
    base_commit: Commit.nullable(),
    commit: Commit.nullable(),
  }),
  /** The project's setup command has ended. `exit_code`: null if a signal ended it. */
  numbered('setup.finished', {
    command: z.string(),
    exit_code: z.number().int().nullable(),
    output: text,
    duration_ms: ms,
  }),

  /**
   * The conversation begins. The body is the exact start of every model request of the task, so that a later attempt
   * sends the same prefix and uses the API's prompt cache.
   */
  numbered('conversation.started', { system: text, content: z.array(ContentBlock) }),
  /**
   * A model request begins. The deltas of this turn, and the `turn.finished` that replaces them, have the same `ref`.
   */
  numbered('turn.started', { turn, ref: z.string().max(60), model: z.string() }),
  /** The model's answer is complete. `request_id`: the API's id of the request. */
  numbered('turn.finished', {
    turn,
    ref: z.string().max(60),
    model: z.string(),
    /** The content blocks of the assistant's message, unchanged. */
    content: z.array(ContentBlock),
    stop_reason: z.string(),
    usage: TurnUsage,
    request_id: z.string().nullable(),
    duration_ms: ms,
  }),
  /** A model request failed and is retried at `retry_at`. Its deltas are void. */
  numbered('turn.retried', { turn, ref: z.string().max(60), reason: z.string().max(2000), retry_at: Time }),
  /** A tool call begins. `ref`: the API's `tool_use` id. */
  numbered('tool.started', { turn, ref: z.string().max(100), name: z.string().max(64), input: z.unknown() }),
  /** A tool call has ended. `exit_code`: for commands; null if a signal ended the command. */
  numbered('tool.finished', {
    turn,
    /** The API's `tool_use` id. The deltas of a running command have the same `ref`. */
    ref: z.string().max(100),
    name: z.string().max(64),
    is_error: z.boolean(),
    /** The content of the tool result, as the model gets it. */
    content: z.array(ContentBlock),
    duration_ms: ms,
    exit_code: z.number().int().nullable().optional(),
  }),
  /**
   * Text that enters the conversation after the tool results of `turn` (0: after the first message). `source`: a
   * person's message, with its `message_id`; the output of a failed verify command; or a note of the worker itself,
   * such as a limit that is near.
   */
  numbered('input.added', {
    turn: z.number().int().nonnegative(),
    source: z.enum(['person', 'verify', 'harness']),
    message_id: Id.optional(),
    text,
  }),
  /** The API shortened the context of the conversation. */
  numbered('context.reduced', { turn, means: z.enum(['clear_tool_uses', 'compact']), detail: z.string().max(2000) }),
  /** The agent's plan; it replaces the one before. */
  numbered('plan.updated', { items: z.array(PlanItem).max(50) }),
  /** The agent asks the person a question. The task is `waiting` until a message comes, or until `until`. */
  numbered('question.asked', {
    ref: z.string().max(100),
    question: z.string().min(1).max(4000),
    until: Time.optional(),
  }),
  /** The agent no longer waits. `answered`: false if no message came in time. */
  numbered('question.closed', { ref: z.string().max(100), answered: z.boolean() }),
  /**
   * A limit of the attempt is near. `used` and `of` have the unit of that limit: turns, US dollars or milliseconds.
   */
  numbered('limit.near', { limit: z.enum(['turns', 'budget', 'time', 'context']), used: z.number(), of: z.number() }),
  /** The project's verify command has ended. `exit_code`: null if a signal ended it. */
  numbered('verify.finished', {
    command: z.string(),
    passed: z.boolean(),
    exit_code: z.number().int().nullable(),
    output: text,
    duration_ms: ms,
  }),
  /** A commit was pushed to the repository. `wip`: the work is not finished. */
  numbered('branch.pushed', { branch: z.string(), commit: Commit, wip: z.boolean(), diff_stat: DiffStat }),
  /** A message for people that no other type fits. */
  numbered('log', { level: z.enum(['info', 'warn', 'error']), text: z.string().max(20_000) }),
  /** An event of another agent's own. Clients show it as one line. */
  numbered('custom', { name: z.string().max(64), data: z.unknown() }),
]);
export type NumberedEvent = z.infer<typeof NumberedEvent>;

/** A worker's event without number and time. */
export type WorkerEvent = NumberedEvent extends infer E
  ? E extends NumberedEvent
    ? Pick<E, 'type' | 'body'>
    : never
  : never;
export type WorkerEventType = WorkerEvent['type'];

/** The events that the coordinator writes. */
export const CoordinatorEvent = z.discriminatedUnion('type', [
  event('task.created', {
    prompt: z.string(),
    repo_url: z.string(),
    base_branch: z.string().nullable(),
    model: z.string(),
  }),
  /** The task's status changed. `reason`: why it failed. `detail`: the same for people. */
  event('task.status', {
    from: TaskStatus,
    to: TaskStatus,
    reason: FailureReason.nullable(),
    detail: z.string().nullable(),
  }),
  /** A worker was chosen for a new attempt. `warm`: it had been started ahead of time. */
  event('attempt.started', { runner: RunnerName, worker: z.string(), warm: z.boolean() }),
  /** The attempt has ended. `reason`: why it failed. `detail`: the same for people. */
  event('attempt.ended', {
    status: z.enum(['succeeded', 'failed', 'cancelled']),
    reason: FailureReason.nullable(),
    detail: z.string().nullable(),
    /** When the next attempt may start; null if there is none. */
    retry_at: Time.nullable(),
  }),
  /** A person sent a message. It enters the conversation with the `input.added` event that has its id. */
  event('message.received', { message_id: Id, text: z.string() }),
  /** A person cancelled the task. Its worker saves the work and ends the attempt. */
  event('task.cancel_requested', { reason: z.string() }),
  /** A person changed the task's budget. It is in US dollars. */
  event('task.budget', { budget_usd: z.number().positive() }),
  /** A model request was charged for. `usage`: the task's total so far. */
  event('usage.updated', { model: z.string(), usage: Usage }),
  /** The worker reported a result. `branch` and `commit` are null if nothing was pushed. */
  event('task.result', {
    summary: z.string(),
    branch: z.string().nullable(),
    commit: Commit.nullable(),
    diff_stat: DiffStat,
  }),
]);
export type CoordinatorEvent = z.infer<typeof CoordinatorEvent>;

/**
 * One row of the log, as clients get it. `id` is global and ascending: it is the client's cursor. `seq`: null for a
 * coordinator's event.
 */
export const LogEvent = z.object({
  id: z.number().int().positive(),
  task_id: Id,
  attempt: z.number().int().nonnegative(),
  seq: z.number().int().positive().nullable(),
  type: z.string(),
  at: Time,
  body: z.record(z.string(), z.unknown()),
});
export type LogEvent = z.infer<typeof LogEvent>;

/**
 * A piece of text while the model or a command writes it. Deltas are relayed to watching clients, never stored and
 * never part of a cursor. `ref` names the turn or the tool call; its `turn.finished` or `tool.finished` replaces the
 * deltas. A `turn.started` or `turn.retried` with the same `ref` voids earlier deltas. The output of the project's
 * commands has the refs `setup` and `verify`; `setup.finished` and `verify.finished` replace it.
 */
export const Delta = z.strictObject({
  ref: z.string().max(100),
  kind: z.enum(['text', 'thinking', 'output']),
  text: z.string().max(64 * 1024),
});
export type Delta = z.infer<typeof Delta>;
