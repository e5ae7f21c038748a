import { z } from 'zod';
import { Attachment } from './attachments.ts';
import { Id, Time } from './ids.ts';
import { Need, NeedAnswer } from './needs.ts';
import { PullRequest } from './pulls.ts';
import { RepositoryKey, RepositoryResult, TaskRepository } from './repositories.ts';
import {
  Capped,
  Commit,
  DiffStat,
  Effort,
  FailureReason,
  Hear,
  ImageName,
  RunnerName,
  TaskStatus,
  Usage,
} from './task.ts';

/* The events that the coordinator itself writes into the log; `./events.ts` has those of workers. */

/** Why an issue or pull request could not be read. */
export const ThreadProblem = z.enum(['no_token', 'refused', 'not_found', 'rate_limited', 'unreachable', 'failed']);
export type ThreadProblem = z.infer<typeof ThreadProblem>;

/** A coordinator's event. `meaning` is shown in the documentation. */
const event = <T extends string, S extends z.ZodRawShape>(type: T, meaning: string, body: S) =>
  z.strictObject({ type: z.literal(type), body: z.strictObject(body) }).describe(meaning);

/** An event that the coordinator writes. */
export const CoordinatorEvent = z.discriminatedUnion('type', [
  event('task.created', 'A person sent the task.', {
    prompt: z.string(),
    repo_url: z.string(),
    base_branch: z.string().nullable(),
    model: z.string(),
    attachments: z.array(Attachment).optional(),
    repositories: z
      .array(TaskRepository.pick({ key: true, repo_url: true, base_branch: true }))
      .optional()
      .describe('all its repositories, where it has several'),
    continue_pull: z
      .number()
      .int()
      .positive()
      .optional()
      .describe('the pull request of the first repository that it goes on with'),
  }),
  event('task.status', 'The status of the task changed. `reason`: why it failed; `detail`: the same for people.', {
    from: TaskStatus,
    to: TaskStatus,
    reason: FailureReason.nullable(),
    capped: Capped,
    detail: z.string().nullable(),
  }),
  event('attempt.started', 'An attempt begins. `warm`: its worker had been started ahead of time.', {
    runner: RunnerName,
    worker: z.string(),
    warm: z.boolean(),
    image: ImageName.optional().describe("absent: the server's default"),
  }),
  event('attempt.ended', 'An attempt has ended. `retry_at`: when the next one may start; null if there is none.', {
    status: z.enum(['succeeded', 'failed', 'cancelled', 'parked']),
    reason: FailureReason.nullable(),
    capped: Capped,
    detail: z.string().nullable(),
    retry_at: Time.nullable(),
  }),
  event(
    'thread.read',
    'An issue or pull request that the errand names was read for the agent. `problem`: why not; it has the number alone.',
    {
      number: z.number().int().positive(),
      repository: RepositoryKey.optional().describe('absent: the first repository'),
      title: z.string().nullable(),
      problem: ThreadProblem.nullable(),
    },
  ),
  event('message.received', 'A person sent a message. It enters the conversation with an `input.added`.', {
    message_id: Id,
    text: z.string(),
    attachments: z.array(Attachment).optional(),
    hear: Hear.optional(),
    model: z.string().optional(),
    effort: Effort.optional(),
  }),
  event('message.changed', 'A person changed a message before the worker took it.', {
    message_id: Id,
    text: z.string(),
    hear: Hear,
    revision: z.number().int().positive(),
  }),
  event(
    'message.withdrawn',
    'A person withdrew a message before the worker took it. It never enters the conversation.',
    {
      message_id: Id,
    },
  ),
  event('task.model', 'A message that asks for another model or effort was taken. They hold from now on.', {
    model: z.string(),
    effort: Effort,
  }),
  event('need.asked', 'The task needs a decision of its person.', { need: Need }),
  event('need.answered', 'A decision was made. `message_id`: the message that tells the worker; null: there is none.', {
    need_id: Id,
    answer: NeedAnswer,
    message_id: Id.nullable(),
  }),
  event('need.closed', 'A decision is not needed any more.', { need_id: Id }),
  event('task.cancel_requested', 'A person cancelled the task.', { reason: z.string() }),
  event('task.budget', 'A person changed the budget of the task, in US dollars.', {
    budget_usd: z.number().positive(),
  }),
  event('task.archived', 'A person archived the task, or took it out of the archive.', { archived: z.boolean() }),
  /** `effort`: what the request asked for; null: nothing. Absent: not known, since the server died meanwhile. */
  event('usage.updated', 'A model request was charged for. `usage` is the total of the task.', {
    model: z.string(),
    effort: Effort.nullable().optional(),
    usage: Usage,
  }),
  event('schedule.paused', 'The schedule that started the task is paused: its last errands failed, this one too.', {
    schedule_id: Id,
    name: z.string(),
    failures: z.number().int().positive(),
  }),
  event('task.result', 'The worker reported a result. `branch` and `commit` are null if nothing was pushed.', {
    summary: z.string(),
    branch: z.string().nullable(),
    commit: Commit.nullable(),
    diff_stat: DiffStat,
    repositories: z
      .array(RepositoryResult.pick({ key: true, branch: true, commit: true, diff_stat: true }))
      .optional()
      .describe('of the further repositories. Absent: there are none'),
    warning: z.string().optional().describe('what the person should know of it, in English'),
  }),
  event('pull.opened', 'A pull request of the task was opened, or one that its branch had was found.', {
    pull: PullRequest,
  }),
  event(
    'pull.changed',
    'Something of a pull request changed: its state, what its checks say together, its text, or why the forge cannot be asked.',
    { pull: PullRequest, changed: z.array(z.string()).describe('the names of the fields that did') },
  ),
]);
export type CoordinatorEvent = z.infer<typeof CoordinatorEvent>;
