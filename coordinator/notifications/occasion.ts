import { z } from 'zod';
import { Need } from '../../protocol/needs.ts';
import type { Occasion } from '../../protocol/notifications.ts';
import { checksVerdict, PullRequest } from '../../protocol/pulls.ts';
import { Capped, FailureReason, TaskStatus } from '../../protocol/task.ts';
import { saidReason } from '../../protocol/said-reason.ts';
import type { EventRow } from '../sqlite/events.ts';

/** The types of events that an occasion can follow from. */
export const OCCASION_TYPES = ['need.asked', 'task.status', 'pull.changed'];

/** An errand that one of its limits has stopped. */
const LIMITS_REACHED = new Set<FailureReason>([
  'budget_exhausted',
  'spending_cap',
  'turn_limit',
  'time_limit',
  'context_exhausted',
  'log_full',
  'workspace_full',
]);

/** What is read of the event that a task needs a decision. */
export const NeedAsked = z.object({ need: Need });
/** What is read of the event that a pull request has changed. */
export const PullChanged = z.object({ pull: PullRequest, changed: z.array(z.string()) });
const StatusChange = z.object({ to: TaskStatus, reason: FailureReason.nullable().catch(null), capped: Capped });

/**
 * What an event means to a person. `subject` names what it is about, which is told once. Undefined: nothing that a
 * person is told of.
 */
export function occasionOf({
  id,
  type,
  body,
}: Pick<EventRow, 'id' | 'type' | 'body'>): { occasion: Occasion; subject: string } | undefined {
  const json: unknown = JSON.parse(body);
  if (type === 'need.asked') {
    const asked = NeedAsked.safeParse(json).data;
    return asked && { occasion: 'needs_you', subject: `need:${asked.need.id}` };
  }
  if (type === 'pull.changed') return occasionOfPull(PullChanged.safeParse(json).data);
  const change = type === 'task.status' ? StatusChange.safeParse(json).data : undefined;
  const occasion = change && occasionOfStatus(change);
  return occasion && { occasion, subject: `event:${id}` };
}

function occasionOfStatus({ to, ...said }: z.infer<typeof StatusChange>): Occasion | undefined {
  if (to === 'succeeded') return 'done';
  if (to !== 'failed') return undefined;
  const reason = saidReason(said);
  return reason !== null && LIMITS_REACHED.has(reason) ? 'limit' : 'failed';
}

/** It was merged, could not be opened, or its checks have failed: each of these is told once for each commit. */
function occasionOfPull(
  event: z.infer<typeof PullChanged> | undefined,
): { occasion: Occasion; subject: string } | undefined {
  if (!event) return undefined;
  const { pull, changed } = event;
  const { state, id, head } = pull;
  const subject = (what: string) => `pull:${id}:${what}:${head.commit}`;
  if (changed.includes('state') && state === 'merged') return { occasion: 'done', subject: subject(state) };
  if (changed.includes('state') && state === 'failed') return { occasion: 'failed', subject: subject(state) };
  if (!changed.includes('checks') || checksVerdict(pull.checks) !== 'failed') return undefined;
  return { occasion: 'failed', subject: subject('checks') };
}
