import type { ForgeEvent } from '../forge.ts';
import { askOf } from './ask.ts';
import type { KnownForge } from './known-forge.ts';
import { planAsk } from './plan-ask.ts';
import { planCheck, planChecks } from './plan-checks.ts';
import { planReview } from './plan-review.ts';
import type { Effect, PlanParts } from './plan.ts';

/**
 * Asks the forge what is needed to know, and decides what follows from an event. Rejects where it cannot be asked
 * now.
 */
export async function planEvent(
  parts: PlanParts,
  { id, client, names }: KnownForge,
  event: ForgeEvent,
  signal: AbortSignal,
): Promise<Effect | undefined> {
  const forge = { id, origin: client.origin };
  if (event.type === 'check') return planCheck(parts.log.db, id, event);
  if (event.type === 'pull_checks') return planChecks(parts, forge, event, signal);
  if (event.type === 'review') {
    const reviewed = await planReview(parts, { ...forge, names }, event, signal);
    if (reviewed) return reviewed;
  }
  // Strangers can be many, and their texts long: those are not even read.
  if (parts.personAt(client.origin, event.sender.id) === undefined) return undefined;
  const ask = askOf(event, names);
  return ask && planAsk(parts, { ...forge, names }, event, ask, signal);
}
