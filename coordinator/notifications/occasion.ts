import { z } from 'zod';
import type { Occasion } from '../../protocol/notifications.ts';
import { FailureReason, TaskStatus } from '../../protocol/task.ts';
import type { EventRow } from '../sqlite/events.ts';

/** The types of events that an occasion can follow from. */
export const OCCASION_TYPES = ['question.asked', 'task.status'];

/** An errand that one of its limits has stopped. */
const LIMITS_REACHED = new Set<FailureReason>([
  'budget_exhausted',
  'turn_limit',
  'time_limit',
  'context_exhausted',
  'log_full',
  'workspace_full',
]);

/** A choice of a question: its text, or an object that has it as `label`. */
const Choice = z.union([z.string(), z.object({ label: z.string() }).transform(({ label }) => label)]);
/** What is read of a question. An older worker offers no choices. */
export const Question = z.object({ ref: z.string(), question: z.string(), options: z.array(Choice).catch([]) });
const StatusChange = z.object({ to: TaskStatus, reason: FailureReason.nullable().catch(null) });

/**
 * What an event means to a person. `subject` names what it is about: another attempt that asks the same question again
 * is no new occasion. Undefined: nothing that a person is told of.
 */
export function occasionOf({
  id,
  type,
  body,
}: Pick<EventRow, 'id' | 'type' | 'body'>): { occasion: Occasion; subject: string } | undefined {
  const json: unknown = JSON.parse(body);
  if (type === 'question.asked') {
    const question = Question.safeParse(json).data;
    return question && { occasion: 'needs_you', subject: `question:${question.ref}` };
  }
  const change = type === 'task.status' ? StatusChange.safeParse(json).data : undefined;
  const occasion = change && occasionOfStatus(change);
  return occasion && { occasion, subject: `event:${id}` };
}

function occasionOfStatus({ to, reason }: z.infer<typeof StatusChange>): Occasion | undefined {
  if (to === 'succeeded') return 'done';
  if (to !== 'failed') return undefined;
  return reason !== null && LIMITS_REACHED.has(reason) ? 'limit' : 'failed';
}
