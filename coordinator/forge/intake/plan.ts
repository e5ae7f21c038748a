import type { Logger } from '../../base/logger.ts';
import type { EventLog, Tx } from '../../sqlite/event-log.ts';
import type { TaskDefaults } from '../../tasks/task-commands.ts';
import type { ForgeAccess } from '../forge-access.ts';
import type { ForgeEvent } from '../forge.ts';
import { askOf } from './ask.ts';
import type { KnownForge } from './known-forge.ts';
import { planAsk } from './plan-ask.ts';
import { planChecks } from './plan-checks.ts';
import { planReview } from './plan-review.ts';

/** What follows from a delivery, to be done in the transaction that marks it as handled. */
export type Effect = (tx: Tx) => void;

export type PlanParts = TaskDefaults & {
  log: EventLog;
  access: ForgeAccess;
  /** The person of this server who has linked this account. `subject`: the forge's id of the account. */
  personAt: (origin: string, subject: string) => string | undefined;
  /** Where the app shows a task; null: the server does not know its own address. */
  link: (task_id: string) => string | null;
  logger: Logger;
};

/** Asks the forge what is needed to know, and decides what follows from an event. Rejects where it cannot be asked now. */
export async function planEvent(
  parts: PlanParts,
  { id, client, names }: KnownForge,
  event: ForgeEvent,
  signal: AbortSignal,
): Promise<Effect | undefined> {
  const forge = { id, origin: client.origin };
  if (event.type === 'check') return planChecks(parts, forge, event, signal);
  if (event.type === 'review') {
    const reviewed = await planReview(parts, forge, event, signal);
    if (reviewed) return reviewed;
  }
  const ask = askOf(event, names);
  return ask && planAsk(parts, forge, event, ask, signal);
}
