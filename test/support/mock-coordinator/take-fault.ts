import type { NumberedEvent } from '../../../protocol/events.ts';

type Taken = { events: readonly NumberedEvent[]; taken: ReadonlySet<string> };

/**
 * What is wrong with an `input.added` of a message; null: nothing. A worker that says so takes each message with a call
 * before it adds it.
 */
export function takeFault({ events: [start], taken }: Taken, event: NumberedEvent): string | null {
  if (start?.type !== 'agent.started' || start.body.takes_messages !== true) return null;
  const message_id = event.type === 'input.added' ? event.body.message_id : undefined;
  if (message_id === undefined || taken.has(message_id)) return null;
  return `The message ${message_id} was added, and the messages call had not taken it.`;
}
