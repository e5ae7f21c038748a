import { z } from 'zod';
import { Id, Time } from './ids.ts';
import { Commit, DiffStat, FailureReason, PlanItem, RunnerName, TaskStatus, Usage } from './task.ts';

/*
 * The event log is the single source of truth. A task's events are rows that are only ever added. What a phone shows,
 * what a reconnecting client replays, and the transcript that the next attempt continues: all are computed from them.
 *
 * Workers write the events of `NumberedEvent`, and number them from 1 in each attempt. The coordinator writes those of
 * `CoordinatorEvent`, which have no `seq`. Bodies may gain fields, and readers ignore those that they do not know. But
 * the coordinator refuses a worker's event with an unknown field, so that the author of the worker finds the mistake.
 */

const event = <T extends string, S extends z.ZodRawShape>(type: T, meaning: string, body: S) =>
  z.strictObject({ type: z.literal(type), body: z.strictObject(body) }).describe(meaning);

/** A worker's event as it crosses the callback API: numbered from 1 in its attempt, `at` by the worker's own clock. */
const numbered = <T extends string, S extends z.ZodRawShape>(type: T, meaning: string, body: S) =>
  z
    .strictObject({ seq: z.number().int().positive(), at: Time, type: z.literal(type), body: z.strictObject(body) })
    .describe(meaning);

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
  numbered('agent.started', 'The first event of each attempt: which agent works.', {
    agent: z.string().max(100),
    version: z.string().max(100),
    resumed: z.boolean(),
  }),
  numbered('step.started', 'A fixed step of the worker begins: clone, setup, work, verify or push.', { step: Step }),
  numbered('repository.ready', 'The clone is ready, on the branch of the task.', {
    branch: z.string(),
    base_branch: z.string(),
    base_commit: Commit.nullable(),
    commit: Commit.nullable(),
  }),
  numbered('setup.finished', "The project's setup command has ended.", {
    command: z.string(),
    exit_code: z.number().int().nullable(),
    output: text,
    duration_ms: ms,
  }),

  /** Every request of the task starts with these bytes, in the next attempt too: the API finds them in its cache. */
  numbered('conversation.started', 'The start of the conversation, as the model gets it.', {
    system: text,
    content: z.array(Block),
  }),
  /** `ref` names the turn in the deltas that follow. The `turn.finished` replaces them; a `turn.retried` voids them. */
  numbered('turn.started', 'A model request begins.', { turn, ref: z.string().max(60), model: z.string() }),
  numbered('turn.finished', "The model's answer, word for word.", {
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
  numbered('turn.retried', 'A model request failed and will be made again at `retry_at`.', {
    turn,
    ref: z.string().max(60),
    reason: z.string().max(2000),
    retry_at: Time,
  }),
  numbered('tool.started', 'A tool begins.', {
    turn,
    ref: z.string().max(100),
    name: z.string().max(64),
    input: z.unknown(),
  }),
  numbered('tool.finished', 'A tool has ended, with the result that the model sees.', {
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
   * It enters after the results of `turn` (0: after the first message). `verify`: the output of a verify command that
   * failed. `harness`: the worker's own words, such as that a limit is near.
   */
  numbered('input.added', 'Text enters the conversation: a message of a person, or words of the worker.', {
    turn: z.number().int().nonnegative(),
    source: z.enum(['person', 'verify', 'harness']),
    message_id: Id.optional(),
    text,
  }),
  numbered('context.reduced', 'The context was shortened by the means of the Claude API.', {
    turn,
    means: z.enum(['clear_tool_uses', 'compact']),
    detail: z.string().max(2000),
  }),
  numbered('plan.updated', "The agent's to-do list.", { items: z.array(PlanItem).max(50) }),
  numbered('question.asked', 'The agent asks the person and waits: the task is `waiting` until a message comes.', {
    ref: z.string().max(100),
    question: z.string().min(1).max(4000),
    until: Time.optional(),
  }),
  numbered('question.closed', 'The question was answered, or nobody answered in time.', {
    ref: z.string().max(100),
    answered: z.boolean(),
  }),
  numbered('limit.near', 'A limit of the task is nearly reached.', {
    limit: z.enum(['turns', 'budget', 'time', 'context']),
    used: z.number(),
    of: z.number(),
  }),
  numbered('verify.finished', "The project's verify command has ended.", {
    command: z.string(),
    passed: z.boolean(),
    exit_code: z.number().int().nullable(),
    output: text,
    duration_ms: ms,
  }),
  numbered('branch.pushed', 'A commit was pushed. `wip`: work in progress, not the final result.', {
    branch: z.string(),
    commit: Commit,
    wip: z.boolean(),
    diff_stat: DiffStat,
  }),
  numbered('log', 'A line that has no type of its own.', {
    level: z.enum(['info', 'warn', 'error']),
    text: z.string().max(20_000),
  }),
  numbered('custom', 'An event of another agent: shown as a line, stored as it is.', {
    name: z.string().max(64),
    data: z.unknown(),
  }),
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
  event('task.created', 'A person sent the task.', {
    prompt: z.string(),
    repo_url: z.string(),
    base_branch: z.string().nullable(),
    model: z.string(),
  }),
  event('task.status', 'The status of the task changed.', {
    from: TaskStatus,
    to: TaskStatus,
    reason: FailureReason.nullable(),
    detail: z.string().nullable(),
  }),
  event('attempt.started', 'An attempt begins, and its worker is started.', {
    runner: RunnerName,
    worker: z.string(),
    warm: z.boolean(),
  }),
  event('attempt.ended', 'An attempt has ended. `retry_at`: when the next one starts, if there is one.', {
    status: z.enum(['succeeded', 'failed', 'cancelled']),
    reason: FailureReason.nullable(),
    detail: z.string().nullable(),
    retry_at: Time.nullable(),
  }),
  event('message.received', 'A person said something. The worker confirms it by `input.added`.', {
    message_id: Id,
    text: z.string(),
  }),
  event('task.cancel_requested', 'A person wants the task stopped.', { reason: z.string() }),
  event('task.budget', 'A person gave the task another budget, in US dollars.', { budget_usd: z.number().positive() }),
  event('usage.updated', 'A model request was metered; `usage` is the total of the task.', {
    model: z.string(),
    usage: Usage,
  }),
  event('task.result', 'The result of the task.', {
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
