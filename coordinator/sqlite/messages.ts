import { idAfter, newId } from '../../protocol/ids.ts';
import type { WaitingMessage } from '../../protocol/messages.ts';
import type { Attachment } from '../../protocol/attachments.ts';
import type { Effort, Hear } from '../../protocol/task.ts';
import type { Message } from '../../protocol/worker-schemas.ts';
import { attachmentView, listAttachments, type AttachmentRow } from './attachments.ts';
import { numberOf, sql, type Db } from './database.ts';

/** A person's message as stored. Null: the message does not change the model or the effort. */
export type MessageRow = {
  id: string;
  task_id: string;
  text: string;
  created_at: string;
  hear: Hear;
  /** Counts from 1; each change adds 1. */
  revision: number;
  model: string | null;
  effort: Effort | null;
  /** When the worker took it: from then on it cannot be changed. */
  claimed_at: string | null;
  /** When it entered the conversation. */
  taken_in_at: string | null;
};

type NewMessage = Pick<MessageRow, 'id' | 'task_id' | 'text' | 'created_at'> &
  Partial<Pick<MessageRow, 'hear' | 'model' | 'effort'>>;

/** An id for the next message of a task. It sorts after those of the others, also where the clock was set back. */
export function nextMessageId(db: Db, task_id: string): string {
  const text = 'SELECT max(id) AS newest FROM messages WHERE task_id = ?';
  const newest = sql<{ newest: string | null }>(db, text).get(task_id)?.newest ?? '';
  const id = newId();
  return id > newest ? id : idAfter(newest);
}

/** Adds a person's message to a task. It is pending until the worker has put it into the conversation. */
export function insertMessage(db: Db, message: NewMessage): void {
  sql(
    db,
    `INSERT INTO messages (id, task_id, text, created_at, hear, model, effort)
     VALUES (:id, :task_id, :text, :created_at, :hear, :model, :effort)`,
  ).run({ hear: 'next_call', model: null, effort: null, ...message });
}

/** Undefined: the task has no such message, or it was withdrawn. */
export function findMessage(db: Db, task_id: string, id: string): MessageRow | undefined {
  return sql<MessageRow>(db, 'SELECT * FROM messages WHERE id = ? AND task_id = ?').get(id, task_id);
}

/** The most characters of pending messages in one reply to a worker. The reply has room for them in any script. */
const PENDING_CHARS_MAX = 1_000_000;

const LIST_PENDING = 'SELECT * FROM messages WHERE task_id = ? AND taken_in_at IS NULL ORDER BY id LIMIT 100';

/**
 * The oldest pending messages, oldest first, as many as one reply carries. The others follow once these are taken in.
 */
export function listPendingMessages(db: Db, task_id: string): Message[] {
  const messages: Message[] = [];
  let chars = 0;
  const attachments = listAttachments(db, task_id);
  for (const row of sql<MessageRow>(db, LIST_PENDING).iterate(task_id)) {
    chars += row.text.length;
    if (chars > PENDING_CHARS_MAX) break;
    messages.push(toMessage(row, attachments));
  }
  return messages;
}

/** All pending messages, oldest first, as their sender sees them. */
export function listWaitingMessages(db: Db, task_id: string): WaitingMessage[] {
  const attachments = listAttachments(db, task_id);
  return sql<MessageRow>(db, LIST_PENDING)
    .all(task_id)
    .map((row) => toWaiting(row, attachments));
}

/** A pending message as its sender sees it. `attachments`: those of its task. */
export function toWaiting(row: MessageRow, attachments: readonly AttachmentRow[]): WaitingMessage {
  const { id, text, hear, revision, model, effort, created_at } = row;
  const taken = row.claimed_at !== null;
  return { id, text, hear, revision, taken, attachments: filesOf(row, attachments), model, effort, created_at };
}

/** A message as a worker gets it. `attachments`: those of its task. */
export function toMessage(row: MessageRow, attachments: readonly AttachmentRow[]): Message {
  const { id, text, created_at, hear, model, effort } = row;
  const files = filesOf(row, attachments);
  return {
    id,
    text,
    at: created_at,
    hear,
    ...(files.length > 0 && { attachments: files }),
    ...(model !== null && { model }),
    ...(effort !== null && { effort }),
  };
}

function filesOf({ id }: MessageRow, attachments: readonly AttachmentRow[]): Attachment[] {
  return attachments.filter(({ message_id }) => message_id === id).map(attachmentView);
}

/** Changes a message that was not taken yet, if it has this revision. False: it was taken, or has another one. */
export function updateMessage(db: Db, change: Pick<MessageRow, 'id' | 'text' | 'hear' | 'revision'>): boolean {
  const { changes } = sql(
    db,
    `UPDATE messages SET text = :text, hear = :hear, revision = revision + 1
     WHERE id = :id AND revision = :revision AND claimed_at IS NULL AND taken_in_at IS NULL`,
  ).run(change);
  return changes === 1;
}

/** Deletes a message that was not taken yet. False: it was. */
export function deleteMessage(db: Db, id: string): boolean {
  return (
    sql(db, 'DELETE FROM messages WHERE id = ? AND claimed_at IS NULL AND taken_in_at IS NULL').run(id).changes === 1
  );
}

/** Marks a pending message as taken by the worker. False: it was taken before. */
export function claimMessage(db: Db, id: string, at: string): boolean {
  return sql(db, 'UPDATE messages SET claimed_at = ? WHERE id = ? AND claimed_at IS NULL').run(at, id).changes === 1;
}

/** The statement of `hasPendingOf`; a test checks that it uses its indexes. */
export const PENDING_OF = `SELECT 1 FROM events INDEXED BY events_of_server
   WHERE task_id = :task_id AND seq IS NULL AND attempt = :n AND type = 'message.received'
     AND json_extract(body, '$.message_id') IN (SELECT id FROM messages WHERE task_id = :task_id AND taken_in_at IS NULL)
     AND json_extract(body, '$.message_id') NOT IN (
       SELECT message_id FROM needs WHERE task_id = :task_id AND kind = 'host' AND message_id IS NOT NULL
         AND (:parked OR json_extract(answer, '$.choose[0]') = 'no'))
   LIMIT 1`;

/**
 * Whether a message is pending that came while the `n`th attempt was the newest, and for which the task goes on. It
 * does not go on for a host that was refused; nor, where it is parked, for one that was allowed. The log tells which
 * attempt it was, and not the time, since the clock may have been set back.
 */
export function hasPendingOf(db: Db, task_id: string, n: number, parked: boolean): boolean {
  if (countPendingMessages(db, task_id) === 0) return false;
  return sql(db, PENDING_OF).get({ task_id, n, parked: parked ? 1 : 0 }) !== undefined;
}

/** Marks a message as part of the conversation. False: the task has no such message, or it was marked before. */
export function markMessageTakenIn(db: Db, task_id: string, id: string, at: string): boolean {
  const { changes } = sql(
    db,
    'UPDATE messages SET taken_in_at = :at WHERE id = :id AND task_id = :task_id AND taken_in_at IS NULL',
  ).run({ task_id, id, at });
  return changes === 1;
}

/** How many messages a task has had. */
export function countMessages(db: Db, task_id: string): number {
  return numberOf(db, 'SELECT count(*) FROM messages WHERE task_id = ?', task_id);
}

/** How many messages of a task are pending. */
export function countPendingMessages(db: Db, task_id: string): number {
  return numberOf(db, 'SELECT count(*) FROM messages WHERE task_id = ? AND taken_in_at IS NULL', task_id);
}

/** Whether a task has had a message with exactly this text. */
export function hasMessage(db: Db, task_id: string, text: string): boolean {
  return sql(db, 'SELECT 1 FROM messages WHERE task_id = ? AND text = ? LIMIT 1').get(task_id, text) !== undefined;
}
