import { findAttempt } from '../sqlite/attempts.ts';
import type { Db } from '../sqlite/database.ts';
import { findMessage } from '../sqlite/messages.ts';
import { invalid, type CheckedEvent } from './validate-events.ts';

/**
 * Throws `invalid` where a worker that takes messages adds one that it did not take: its person may have changed or
 * withdrawn that. `last_seq`: the newest event that is stored already.
 */
export function checkMessages(
  db: Db,
  { task_id, attempt, last_seq }: { task_id: string; attempt: number; last_seq: number },
  events: CheckedEvent[],
): void {
  for (const [index, { acts, seq }] of events.entries()) {
    if (acts?.type !== 'input.added' || acts.body.message_id === undefined || seq <= last_seq) continue;
    if (!takesMessages(db, task_id, attempt, events)) return;
    const message = findMessage(db, task_id, acts.body.message_id);
    const field = `/events/${index}/body/message_id`;
    if (!message) throw invalid(field, 'names no message: it was withdrawn, or there never was one');
    if (message.claimed_at === null) throw invalid(field, 'names a message that was not taken with the messages call');
  }
}

/** The first event may be among these. */
function takesMessages(db: Db, task_id: string, attempt: number, events: CheckedEvent[]): boolean {
  if (findAttempt(db, task_id, attempt)?.takes_messages === true) return true;
  return events.some(({ acts }) => acts?.type === 'agent.started' && acts.body.takes_messages === true);
}
