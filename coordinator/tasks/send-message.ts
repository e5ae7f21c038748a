import type { MessageCreate } from '../../protocol/messages.ts';
import { isEnded } from '../../protocol/task.ts';
import type { TaskRow } from '../domain/task.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { insertMessage, nextMessageId } from '../sqlite/messages.ts';
import { advance } from './advance.ts';
import { attach } from './attachment-commands.ts';
import { requireFreeBranches } from './branch-at-work.ts';
import { newMergedNotes } from './merged-notes.ts';

type Outgoing = Pick<MessageCreate, 'text' | 'hear' | 'model' | 'effort' | 'attachments'> & {
  id?: string;
  /** Whether it is a note of the server itself. A parked task does not go on for it, and is told once it goes on. */
  is_note?: boolean;
};

/** What a message of a person says to the agent. What begins so is from the server itself: theirs can only quote it. */
export const asPersons = (text: string): string => (text.startsWith('[Errand]') ? `> ${text}` : text);

/**
 * Puts a message into a task's queue, with its event. A task that has ended or is parked is queued again for it; one
 * that has ended also gets a note on what happened to its work meanwhile. `at` is an ISO time. Returns the ids of the
 * message and of its event. Throws `conflict` if another task works on one of the branches.
 */
export function sendMessage(
  tx: Tx,
  task: TaskRow,
  {
    id = nextMessageId(tx.db, task.id),
    text: given,
    hear = 'next_call',
    model,
    effort,
    attachments = [],
    is_note = false,
  }: Outgoing,
  at: string,
): { message_id: string; event_id: number } {
  const { id: task_id, user_id } = task;
  const text = is_note ? given : asPersons(given);
  const resumes = isEnded(task.status);
  if (resumes) requireFreeBranches(tx.db, user_id, task);
  insertMessage(tx.db, { id, task_id, text, created_at: at, hear, model: model ?? null, effort: effort ?? null });
  const attached = attach(tx, { user_id, task_id, message_id: id }, attachments);
  const files = attached.length > 0 ? { attachments: attached } : {};
  const change = { ...(model !== undefined && { model }), ...(effort !== undefined && { effort }) };
  const body = { message_id: id, text, hear, ...files, ...change };
  const { id: event_id } = tx.note(task, { type: 'message.received', body }, at);
  if (resumes) for (const note of newMergedNotes(tx.db, task)) addNote(tx, task, note, at);
  if (!is_note || task.status !== 'parked') advance(tx, task, { type: 'message', at });
  return { message_id: id, event_id };
}

function addNote(tx: Tx, task: TaskRow, text: string, at: string): void {
  const message_id = nextMessageId(tx.db, task.id);
  insertMessage(tx.db, { id: message_id, task_id: task.id, text, created_at: at });
  tx.note(task, { type: 'message.received', body: { message_id, text } }, at);
}
