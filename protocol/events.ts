import { z } from 'zod';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';
import { OptionLabel } from './needs.ts';
import { BranchName, RepositoryKey } from './repositories.ts';
import { BaseCommit, Commit, DiffStat } from './change.ts';
import { PlanItem, Usage } from './task.ts';

/*
 * The event log is the single source of truth. A task's events are append-only rows. What a client shows, what a
 * reconnecting client replays and the transcript that a later attempt resumes from are all computed from these rows.
 *
 * A worker writes the events of `NumberedEvent`, and numbers them from 1 in each attempt. The coordinator writes those
 * of `./coordinator-events.ts`, which have no `seq`. Bodies may gain fields: a reader must ignore unknown fields and
 * types. But the coordinator refuses a worker's event with an unknown field, however deep, so that the author of the
 * worker finds the mistake.
 */

/** A worker's event in a callback. `seq` counts from 1 in each attempt. `at` is the time of the worker's clock. */
const numbered = <T extends string, S extends z.ZodRawShape>(type: T, meaning: string, body: S) =>
  z
    .strictObject({ seq: z.number().int().positive(), at: Time, type: z.literal(type), body: z.strictObject(body) })
    .describe(meaning);

/** A content block of the Claude API, stored unchanged: the API refuses a transcript whose blocks were modified. */
export const ContentBlock = z.looseObject({ type: z.string() });
const text = z.string().max(200_000);
const name = z.string().max(200);
const ms = z.number().int().nonnegative();
const turn = z.number().int().positive();

/** The fixed steps of a worker. */
export const Step = z.enum(['clone', 'setup', 'work', 'verify', 'push']);

/** The tokens of one model request, as the API counted them. */
export const TurnUsage = Usage.omit({ requests: true, cost_usd: true });

/** A worker's event with its number, as it is posted. */
export const NumberedEvent = z.discriminatedUnion('type', [
  numbered(
    'agent.started',
    'The first event of each attempt: the name and version of the agent. `resumed`: it continues a transcript.',
    {
      agent: z.string().max(100),
      version: z.string().max(100),
      resumed: z.boolean(),
      takes_messages: z
        .boolean()
        .optional()
        .describe('whether it takes each message with a call before it adds it. Absent: no, so none can be changed'),
      takes_repositories: z
        .boolean()
        .optional()
        .describe('whether it works in all `repositories` of its assignment. Absent: in the first alone'),
    },
  ),
  numbered('step.started', 'A step of the worker begins: clone, setup, work, verify or push.', { step: Step }),
  numbered(
    'repository.ready',
    'A clone is ready, on the branch of the task. `commit` is null in an empty repository.',
    {
      branch: BranchName,
      base_branch: z.string().max(1000),
      base_commit: BaseCommit,
      commit: Commit.nullable(),
      workspace: z
        .string()
        .max(100)
        .optional()
        .describe('names the clone. An attempt that finds another one does not have what the transcript says'),
      repository: RepositoryKey.optional().describe('absent: the first repository'),
    },
  ),
  numbered('setup.finished', "The project's setup command has ended.", {
    command: z.string(),
    exit_code: z.number().int().nullable(),
    output: text,
    duration_ms: ms,
  }),
  numbered(
    'conversation.started',
    'The conversation begins. Every model request of the task, in later attempts too, starts with exactly this body: so the API can use its prompt cache.',
    { system: text, content: z.array(ContentBlock) },
  ),
  numbered(
    'turn.started',
    'A model request begins. Its deltas have the same `ref`: its `turn.finished` replaces them, and a `turn.retried` voids them.',
    { turn, ref: z.string().max(60), model: name },
  ),
  numbered('turn.finished', "The model's answer is complete.", {
    turn,
    ref: z.string().max(60),
    model: name,
    content: z.array(ContentBlock).describe("the content blocks of the assistant's message, unchanged"),
    stop_reason: name,
    usage: TurnUsage,
    request_id: name.nullable(),
    duration_ms: ms,
    replaces_messages: z
      .number()
      .int()
      .positive()
      .optional()
      .describe(
        'the content is a summary, which replaces this many messages at the beginning of the conversation. Those after ' +
          "them stay. Absent: the content is the model's next message",
      ),
  }),
  numbered('turn.retried', 'A model request failed and is retried at `retry_at`. Its deltas are void.', {
    turn,
    ref: z.string().max(60),
    reason: z.string().max(2000),
    retry_at: Time,
  }),
  numbered('tool.started', 'A tool call begins.', {
    turn,
    ref: z.string().max(100),
    name: z.string().max(64),
    input: z.unknown(),
  }),
  numbered('tool.finished', 'A tool call has ended. `exit_code` is for commands; null if a signal ended the command.', {
    turn,
    ref: z.string().max(100).describe("the API's `tool_use` id. The deltas of a running command have the same `ref`"),
    name: z.string().max(64),
    is_error: z.boolean(),
    content: z.array(ContentBlock).describe('the content of the tool result, as the model gets it'),
    duration_ms: ms,
    exit_code: z.number().int().nullable().optional(),
  }),
  numbered(
    'input.added',
    'Text enters the conversation: a message of a person, once and with its `message_id`, what a person attached, with its `attachment_id`, or a note of the worker.',
    {
      turn: z
        .number()
        .int()
        .nonnegative()
        .describe('the text follows the tool results of this turn; 0: the first message'),
      source: z
        .enum(['person', 'verify', 'harness'])
        .describe(
          '`verify`: the output of a failed verify command. `harness`: a note of the worker, such as of a limit',
        ),
      message_id: Id.optional(),
      text,
      attachment_id: Id.optional().describe('the text is about this attachment of a person'),
      content: z
        .array(ContentBlock)
        .max(1)
        .optional()
        .describe('what the model sees of it after the text: a picture or a document'),
    },
  ),
  numbered('context.reduced', 'The Claude API shortened the context of the conversation.', {
    turn,
    means: z.enum(['clear_tool_uses', 'compact']),
    detail: z.string().max(2000),
  }),
  numbered('plan.updated', "The agent's to-do list; it replaces the one before.", { items: z.array(PlanItem).max(50) }),
  numbered(
    'question.asked',
    'The agent asks the person. The task is `waiting` until a message comes, or until `until`. The same `ref` again is the same question.',
    {
      ref: z.string().max(100),
      question: z.string().min(1).max(4000),
      options: z
        .array(OptionLabel)
        .min(2)
        .max(LIMITS.options_max)
        .optional()
        .describe('choices. The person may answer with text of their own all the same. Absent: there are none'),
      multiple: z.boolean().optional().describe('whether several of them may be chosen. Absent: one'),
      until: Time.optional(),
    },
  ),
  numbered('question.closed', 'The question was answered, or nobody answered in time.', {
    ref: z.string().max(100),
    answered: z.boolean(),
  }),
  numbered(
    'limit.near',
    'A limit is nearly reached. `used` and `of` are in turns, US dollars, milliseconds or tokens.',
    {
      limit: z.enum(['turns', 'budget', 'time', 'context']),
      used: z.number(),
      of: z.number(),
    },
  ),
  numbered('verify.finished', "The project's verify command has ended.", {
    command: z.string(),
    passed: z.boolean(),
    exit_code: z.number().int().nullable(),
    output: text,
    duration_ms: ms,
  }),
  numbered('branch.pushed', 'A commit was pushed. `wip`: work in progress, not the final result.', {
    branch: BranchName,
    commit: Commit,
    wip: z.boolean(),
    diff_stat: DiffStat,
    repository: RepositoryKey.optional().describe('absent: the first repository'),
  }),
  numbered('log', 'A message for people that no other type fits. The coordinator writes such messages, too.', {
    level: z.enum(['info', 'warn', 'error']),
    text: z.string().max(20_000),
  }),
  numbered('custom', 'An event of another agent. Clients show it as one line.', {
    name: z.string().max(64),
    data: z.unknown(),
  }),
]);
export type NumberedEvent = z.infer<typeof NumberedEvent>;

/** A worker's event without its number and time. */
export type WorkerEvent = NumberedEvent extends infer E
  ? E extends NumberedEvent
    ? Pick<E, 'type' | 'body'>
    : never
  : never;
/** The type of a worker's event. */
export type WorkerEventType = WorkerEvent['type'];

/**
 * How the bodies of events are sent. `short`: what is longer than `LIMITS.short_body_bytes_max` is cut. Its strings and
 * lists end early; names, numbers and references are as they were. A question is never cut.
 */
export const Bodies = z.enum(['whole', 'short']);
export type Bodies = z.infer<typeof Bodies>;

/**
 * One row of the log, as clients get it. `id` is global and ascending: it is the client's cursor. `seq` is null for
 * an event of the coordinator.
 */
export const LogEvent = z.object({
  id: z.number().int().positive(),
  task_id: Id,
  attempt: z.number().int().nonnegative(),
  seq: z.number().int().positive().nullable(),
  type: z.string(),
  at: Time,
  body: z.record(z.string(), z.unknown()),
  whole_bytes: z
    .number()
    .int()
    .positive()
    .optional()
    .describe('the body is cut, and this is the size of the whole in bytes: GET /tasks/:id/events/:event_id has it'),
});
export type LogEvent = z.infer<typeof LogEvent>;

/** A piece of text while the model or a command writes it. */
export const Delta = z
  .strictObject({
    ref: z.string().max(100).describe("names the turn or the tool call; `setup` and `verify`: the project's commands"),
    kind: z.enum(['text', 'thinking', 'output']),
    text: z.string().max(64 * 1024),
  })
  .describe(
    'A piece of text while the model or a command writes it. Deltas are relayed to watching clients, never stored and ' +
      'never part of a cursor. The `turn.finished`, `tool.finished`, `setup.finished` or `verify.finished` of their ' +
      '`ref` replaces them. A `turn.started` or `turn.retried` with the same `ref` voids earlier ones.',
  );
export type Delta = z.infer<typeof Delta>;
