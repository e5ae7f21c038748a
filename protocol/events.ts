import { z } from 'zod';
import { Id, Time } from './ids.ts';
import { Commit, DiffStat, FailureReason, PlanItem, RunnerName, TaskStatus, Usage } from './task.ts';

/*
 * The event log is the single source of truth. A task's events are rows that are only ever added. What a phone shows, what a client that
 * comes back replays, the transcript that a next attempt goes on from: all are folds of these rows.
 *
 * Workers make the events of `WorkerEvent`, numbered by themselves from 1 in each attempt. The coordinator makes those of
 * `CoordinatorEvent`, which have no `seq`. Bodies may gain fields: a reader passes over those it does not know. A worker's event, by
 * contrast, is checked to the letter, so that a mistake is found by the one who made it.
 */

const event = <T extends string, S extends z.ZodRawShape>(type: T, body: S) =>
  z.strictObject({ type: z.literal(type), body: z.strictObject(body) });

/** A worker's event as it crosses the callback API: numbered from 1 in its attempt, `at` by the worker's own clock. */
const numbered = <T extends string, S extends z.ZodRawShape>(type: T, body: S) =>
  z.strictObject({ seq: z.number().int().positive(), at: Time, type: z.literal(type), body: z.strictObject(body) });

/** A block of the Claude API's `content`, kept word for word: the API refuses a transcript whose blocks were touched. */
const Block = z.looseObject({ type: z.string() });
const text = z.string().max(200_000);
const ms = z.number().int().nonnegative();
const turn = z.number().int().positive();

/** Which of the worker's fixed steps begins. */
export const Step = z.enum(['clone', 'setup', 'work', 'verify', 'push']);

/** The tokens of one model request, as the API counted them. */
export const TurnUsage = Usage.omit({ requests: true, cost_usd: true });

export const NumberedEvent = z.discriminatedUnion('type', [
  /** First of each attempt: who works. */
  numbered('agent.started', { agent: z.string().max(100), version: z.string().max(100), resumed: z.boolean() }),
  numbered('step.started', { step: Step }),
  numbered('repository.ready', {
    branch: z.string(),
    base_branch: z.string(),
    base_commit: Commit.nullable(),
    commit: Commit.nullable(),
  }),
  /** The setup command ran (verify has an event of its own). */
  numbered('setup.finished', {
    command: z.string(),
    exit_code: z.number().int().nullable(),
    output: text,
    duration_ms: ms,
  }),

  /**
   * The conversation begins: what every request of the task starts with, word for word, so that a next attempt sends the same prefix and
   * is served from the cache.
   */
  numbered('conversation.started', { system: text, content: z.array(Block) }),
  /** A model request begins. `ref` names the turn to the deltas that follow, and to the `turn.finished` that replaces them. */
  numbered('turn.started', { turn, ref: z.string().max(60), model: z.string() }),
  numbered('turn.finished', {
    turn,
    ref: z.string().max(60),
    model: z.string(),
    /** The assistant's message, block by block, word for word. */
    content: z.array(Block),
    stop_reason: z.string(),
    usage: TurnUsage,
    request_id: z.string().nullable(),
    duration_ms: ms,
  }),
  /** A model request failed and is made again at `retry_at`; its deltas are void. */
  numbered('turn.retried', { turn, ref: z.string().max(60), reason: z.string().max(2000), retry_at: Time }),
  numbered('tool.started', { turn, ref: z.string().max(100), name: z.string().max(64), input: z.unknown() }),
  numbered('tool.finished', {
    turn,
    /** The API's `tool_use` id; deltas of a running command bear it too. */
    ref: z.string().max(100),
    name: z.string().max(64),
    is_error: z.boolean(),
    /** The `content` of the tool's result, as the model sees it. */
    content: z.array(Block),
    duration_ms: ms,
    exit_code: z.number().int().nullable().optional(),
  }),
  /**
   * Words that enter the conversation after the results of `turn` (0: after the first message): a person's message, with its id, or the
   * harness's own (a verify command that failed, a limit that comes near).
   */
  numbered('input.added', {
    turn: z.number().int().nonnegative(),
    source: z.enum(['person', 'verify', 'harness']),
    message_id: Id.optional(),
    text,
  }),
  /** The context was shortened by the API's own means. */
  numbered('context.reduced', { turn, means: z.enum(['clear_tool_uses', 'compact']), detail: z.string().max(2000) }),
  numbered('plan.updated', { items: z.array(PlanItem).max(50) }),
  /** The agent asks the person and waits: the task is `waiting` until a message comes. */
  numbered('question.asked', {
    ref: z.string().max(100),
    question: z.string().min(1).max(4000),
    until: Time.optional(),
  }),
  numbered('question.closed', { ref: z.string().max(100), answered: z.boolean() }),
  numbered('limit.near', { limit: z.enum(['turns', 'budget', 'time', 'context']), used: z.number(), of: z.number() }),
  numbered('verify.finished', {
    command: z.string(),
    passed: z.boolean(),
    exit_code: z.number().int().nullable(),
    output: text,
    duration_ms: ms,
  }),
  /** A commit reached the repository. `wip`: work in progress, not the end. */
  numbered('branch.pushed', { branch: z.string(), commit: Commit, wip: z.boolean(), diff_stat: DiffStat }),
  /** Anything worth a line that has no type of its own. */
  numbered('log', { level: z.enum(['info', 'warn', 'error']), text: z.string().max(20_000) }),
  /** For another agent's own events: shown as a line, kept as they are. */
  numbered('custom', { name: z.string().max(64), data: z.unknown() }),
]);
export type NumberedEvent = z.infer<typeof NumberedEvent>;

/** The same before it has its number. */
export type WorkerEvent = NumberedEvent extends infer E
  ? E extends NumberedEvent
    ? Pick<E, 'type' | 'body'>
    : never
  : never;
export type WorkerEventType = WorkerEvent['type'];

export const CoordinatorEvent = z.discriminatedUnion('type', [
  event('task.created', {
    prompt: z.string(),
    repo_url: z.string(),
    base_branch: z.string().nullable(),
    model: z.string(),
  }),
  event('task.status', {
    from: TaskStatus,
    to: TaskStatus,
    reason: FailureReason.nullable(),
    detail: z.string().nullable(),
  }),
  event('attempt.started', { runner: RunnerName, worker: z.string(), warm: z.boolean() }),
  event('attempt.ended', {
    status: z.enum(['succeeded', 'failed', 'cancelled']),
    reason: FailureReason.nullable(),
    detail: z.string().nullable(),
    /** When the next attempt starts, where there is one. */
    retry_at: Time.nullable(),
  }),
  /** A person said something. It enters the conversation with the `input.added` that names it. */
  event('message.received', { message_id: Id, text: z.string() }),
  /** A person wants the task stopped. Its worker is told, saves the work and ends the attempt. */
  event('task.cancel_requested', { reason: z.string() }),
  /** A person gave the task another budget, in US dollars. */
  event('task.budget', { budget_usd: z.number().positive() }),
  /** A model request was metered. `usage` is the task's total so far. */
  event('usage.updated', { model: z.string(), usage: Usage }),
  event('task.result', {
    summary: z.string(),
    branch: z.string().nullable(),
    commit: Commit.nullable(),
    diff_stat: DiffStat,
  }),
]);
export type CoordinatorEvent = z.infer<typeof CoordinatorEvent>;

/** One row of the log, as clients get it. `id` is global and ascends: it is the client's cursor. */
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
 * A piece of text as it is written: never stored, never part of a cursor. `ref` names the turn or the tool call whose `turn.finished` or
 * `tool.finished` replaces it; a `turn.started` or `turn.retried` with the same `ref` voids what came before. The output of the project's own
 * commands has the refs `setup` and `verify`: their `setup.finished` and `verify.finished` replace it.
 */
export const Delta = z.strictObject({
  ref: z.string().max(100),
  kind: z.enum(['text', 'thinking', 'output']),
  text: z.string().max(64 * 1024),
});
export type Delta = z.infer<typeof Delta>;
