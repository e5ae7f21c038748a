import { invalid } from '../../../coordinator/worker-api/validate-events.ts';
import type { NumberedEvent } from '../../../protocol/events.ts';

type Taken = { events: readonly NumberedEvent[]; taken: ReadonlySet<string> };

/** Throws `invalid` where a worker that takes messages adds one that it did not take. */
export function checkTaken({ events, taken }: Taken, posted: readonly NumberedEvent[]): void {
  const start = events[0] ?? posted[0];
  if (start?.type !== 'agent.started' || start.body.takes_messages !== true) return;
  for (const [i, event] of posted.entries()) {
    const is_new = event.type === 'input.added' && event.seq > events.length;
    const message_id = is_new ? event.body.message_id : undefined;
    if (message_id !== undefined && !taken.has(message_id))
      throw invalid(`/events/${i}/body/message_id`, 'names a message that was not taken with the messages call');
  }
}
