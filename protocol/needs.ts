import { z } from 'zod';
import { AttachmentIds } from './attachments.ts';
import { Id, Time } from './ids.ts';
import { LIMITS } from './limits.ts';
import { Commit, DiffStat } from './change.ts';
import { HeldRepository } from './repositories.ts';

/*
 * What a task needs from its person: a decision. Each is one stored thing with an id. It is answered once, by whoever
 * answers first; everyone learns of it by the events `need.asked`, `need.answered` and `need.closed`.
 */

/**
 * `question`: the agent asks. `push`: the work waits for approval before it is pushed. `host`: the forward proxy has
 * refused a host. `budget`: the budget is spent. `follow_up`: its pull request has sent it back to work several times.
 * The set is open: a client shows the question and options of an unknown kind as they are.
 */
export const NeedKind = z.enum(['question', 'push', 'host', 'budget', 'follow_up']);
export type NeedKind = z.infer<typeof NeedKind>;

/** The text of one choice of a question, as the agent wrote it. */
export const OptionLabel = z.string().trim().min(1).max(LIMITS.option_chars_max);

/**
 * One way to answer. `value` is what an answer names: the number of a question's choice from 1, or `approve`,
 * `send_back`; `once`, `project`, `no`; `add_2`, `add_5`, `end`; `go_on`, `stop`. `label`: for people, in English.
 */
export const NeedOption = z.object({ value: z.string().min(1).max(40), label: OptionLabel });
export type NeedOption = z.infer<typeof NeedOption>;

/** How a need was answered. */
export const NeedAnswer = z.object({
  choose: z.array(z.string()),
  text: z.string().nullable(),
  by: z.string().nullable().describe('the device that answered, in words, such as `Safari, iPhone`; null: not known'),
  at: Time,
});
export type NeedAnswer = z.infer<typeof NeedAnswer>;

/** A decision that a task needs, or needed. */
export const Need = z.object({
  id: Id,
  kind: NeedKind,
  question: z.string(),
  options: z.array(NeedOption).max(LIMITS.options_max),
  multiple: z.boolean().describe('whether an answer may choose several options'),
  takes_text: z.boolean().describe('whether an answer may have text of its own, beside or in place of an option'),
  asked_at: Time,
  closed_at: Time.nullable().describe('when it was answered, or withdrawn; null: it is open'),
  answer: NeedAnswer.nullable().describe('null: it is open, or was withdrawn without an answer'),
  host: z.string().optional().describe('of a `host`: its name'),
  commit: Commit.optional().describe(
    'of a `push`: what is to be pushed, in the first repository. `GET /tasks/:id/diff` has the diff',
  ),
  diff_stat: DiffStat.optional().describe('of a `push`: the size of all that is to be pushed'),
  repositories: z
    .array(HeldRepository)
    .optional()
    .describe('of a `push`: what is to be pushed in further repositories. Absent: nothing'),
});
export type Need = z.infer<typeof Need>;

/**
 * Answers a need: with options by their `value`, with text, or both where the need allows it. One of them is required.
 * `attachments` go with an answer that the agent reads: to a question, and with work that is sent back.
 */
export const NeedAnswerCreate = z.strictObject({
  choose: z.array(z.string().max(40)).max(LIMITS.options_max).default([]),
  text: z.string().trim().min(1, 'is empty').max(LIMITS.text_chars_max).optional(),
  attachments: AttachmentIds.optional(),
});
export type NeedAnswerCreate = z.infer<typeof NeedAnswerCreate>;

/** The parameters of a path with `:id`, the task, and `:need_id`. */
export const ByNeed = z.object({ id: Id, need_id: Id });
