import { findAttempt } from '../sqlite/attempts.ts';
import { listAttachments } from '../sqlite/attachments.ts';
import type { Db } from '../sqlite/database.ts';
import { findMessage } from '../sqlite/messages.ts';
import { invalid, type CheckedEvent } from './validate-events.ts';

/**
 * Throws `invalid` where a worker adds words of a person that are none: they name no message and no attachment of the
 * task, or a message that was added before. A worker that takes messages may only add what it took: its person may have
 * changed or withdrawn anything else. `last_seq`: the newest event that is stored already.
 */
export function checkMessages(
  db: Db,
  { task_id, attempt, last_seq }: { task_id: string; attempt: number; last_seq: number },
  events: CheckedEvent[],
): void {
  const added = new Set<string>();
  for (const [index, { acts, seq }] of events.entries()) {
    if (acts?.type !== 'input.added' || seq <= last_seq) continue;
    const { source, message_id, attachment_id } = acts.body;
    if (attachment_id !== undefined && !listAttachments(db, task_id).some(({ id }) => id === attachment_id))
      throw invalid(`/events/${index}/body/attachment_id`, 'names no attachment of the task');
    const field = `/events/${index}/body/message_id`;
    if (message_id === undefined) {
      if (source !== 'person' || attachment_id !== undefined) continue;
      throw invalid(field, 'or an attachment_id is required with the source person');
    }
    const message = findMessage(db, task_id, message_id);
    if (!message) throw invalid(field, 'names no message: it was withdrawn, or there never was one');
    if (message.taken_in_at !== null || added.has(message_id))
      throw invalid(field, 'names a message that has entered the conversation already');
    added.add(message_id);
    if (message.claimed_at === null && takesMessages(db, task_id, attempt, events))
      throw invalid(field, 'names a message that was not taken with the messages call');
  }
}

/** The first event may be among these. */
function takesMessages(db: Db, task_id: string, attempt: number, events: CheckedEvent[]): boolean {
  if (findAttempt(db, task_id, attempt)?.takes_messages === true) return true;
  return events.some(({ acts }) => acts?.type === 'agent.started' && acts.body.takes_messages === true);
}
