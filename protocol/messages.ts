import { z } from 'zod';
import { Attachment, AttachmentIds } from './attachments.ts';
import { Id, Time } from './ids.ts';
import { BUDGET_USD_MAX, Effort, Hear, ModelName, Prompt } from './task.ts';

/* What a person says to a task that exists already. */

const NewBudget = z
  .number()
  .positive()
  .max(BUDGET_USD_MAX)
  .optional()
  .describe("the task's new total budget in US dollars; more than it has spent");

/** Sends a message to a task. `model` and `effort` hold from the time that the message enters the conversation. */
export const MessageCreate = z.strictObject({
  text: Prompt,
  budget_usd: NewBudget,
  attachments: AttachmentIds.optional(),
  hear: Hear.optional().describe('when it enters the conversation; by default at the next call'),
  model: ModelName.optional().describe('the model from this message on; absent: unchanged'),
  effort: Effort.optional().describe('how much the model thinks from this message on; absent: unchanged'),
});
export type MessageCreate = z.infer<typeof MessageCreate>;

const Revision = z.number().int().positive().describe('counts from 1; each change adds 1');

/**
 * Changes a message that the worker has not taken yet. `revision`: the one that the change is based on; with another
 * one somebody else has changed the message meanwhile, and it is a `conflict`.
 */
export const MessagePatch = z
  .strictObject({ revision: Revision, text: Prompt.optional(), hear: Hear.optional() })
  .refine(({ text, hear }) => text !== undefined || hear !== undefined, 'changes nothing: give text or hear')
  .meta({ minProperties: 2 });
export type MessagePatch = z.infer<typeof MessagePatch>;

/**
 * A message that is not part of the conversation yet. `taken`: the worker has it, so it cannot be changed or withdrawn
 * any more.
 */
export const WaitingMessage = z.object({
  id: Id,
  text: z.string(),
  hear: Hear,
  revision: Revision,
  taken: z.boolean(),
  attachments: z.array(Attachment),
  model: z.string().nullable(),
  effort: Effort.nullable(),
  created_at: Time,
});
export type WaitingMessage = z.infer<typeof WaitingMessage>;
/**
 * A message was stored. `resumed`: the task had ended, and is queued again. `event_id`: its `message.received` event;
 * who knows the log up to there needs to show the message by itself no more. Older servers omit it.
 */
export const MessageReceived = z.object({
  message_id: Id,
  resumed: z.boolean(),
  event_id: z.number().int().positive().optional(),
});

export type MessageReceived = z.infer<typeof MessageReceived>;

/** Runs a task again. The body may be absent. */
export const TaskRetry = z.strictObject({ budget_usd: NewBudget }).default({});
export type TaskRetry = z.infer<typeof TaskRetry>;

/** The parameters of the path of one message. */
export const ByMessage = z.object({ id: Id, message_id: Id });

/** The messages that are not part of the conversation yet. */
export const WaitingMessages = z.object({ items: z.array(WaitingMessage), next_cursor: Id.nullable() });
