import type { MessagePatch, WaitingMessage } from '../../protocol/messages.ts';
import { CoordinatorEvent } from '../../protocol/coordinator-events.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { saidReason } from '../../protocol/said-reason.ts';
import { isEnded } from '../../protocol/task.ts';
import type { Message } from '../../protocol/worker-schemas.ts';
import { isActive } from '../domain/task-state.ts';
import type { TaskRow } from '../domain/task.ts';
import { findAttempt } from '../sqlite/attempts.ts';
import { listAttachments, unbindAttachments } from '../sqlite/attachments.ts';
import type { Tx } from '../sqlite/event-log.ts';
import {
  claimMessage,
  deleteMessage,
  findMessage,
  listWaitingMessages,
  toMessage,
  toWaiting,
  updateMessage,
  type MessageRow,
} from '../sqlite/messages.ts';
import { isAnswer, isRefusedHost } from '../sqlite/needs.ts';
import { findEndBeforeMessage } from '../sqlite/resumed.ts';
import { findTask, updateModel } from '../sqlite/tasks.ts';
import type { Db } from '../sqlite/database.ts';
import { advance } from './advance.ts';
import { mergedNotes } from './merged-notes.ts';
import { asPersons } from './send-message.ts';
import { requireTask } from './task-commands.ts';

/*
 * Messages that were sent and are not part of the conversation yet. The sender may change or withdraw one until the
 * worker takes it. The worker takes it with a call before it adds it to the conversation, and the first transaction
 * wins.
 */

/** The messages to a user's task that are not part of its conversation yet. */
export function waitingMessages(db: Db, user_id: string, task_id: string): WaitingMessage[] {
  return listWaitingMessages(db, requireTask(db, user_id, task_id).id);
}

/** Changes a message. Throws `conflict` if the worker has it, or if somebody else has changed it meanwhile. */
export function changeMessage(
  tx: Tx,
  user_id: string,
  { id: task_id, message_id }: { id: string; message_id: string },
  patch: MessagePatch,
): WaitingMessage {
  const task = requireTask(tx.db, user_id, task_id);
  const message = requireUntaken(tx, task, message_id);
  const { revision } = patch;
  const text = patch.text === undefined ? message.text : asPersons(patch.text);
  // The answer to a question enters at once: the worker waits for it within its turn.
  const hear = isAnswer(tx.db, task_id, message_id) ? message.hear : (patch.hear ?? message.hear);
  if (!updateMessage(tx.db, { id: message_id, text, hear, revision }))
    throw new ErrandError('conflict', 'The message was changed on another device meanwhile: look at it again.', {
      errors: [{ field: '/revision', message: `is not the newest, which is ${message.revision}` }],
    });
  const changed = { ...message, text, hear, revision: revision + 1 };
  const body = { message_id, text, hear, revision: changed.revision };
  tx.note(task, { type: 'message.changed', body }, new Date().toISOString());
  return toWaiting(changed, listAttachments(tx.db, task_id));
}

/**
 * Withdraws a message. Throws `conflict` if the worker has it, or if it answers a question: that counts once it is
 * given. A task that was queued for nothing but this message is again as it had ended.
 */
export function withdrawMessage(
  tx: Tx,
  user_id: string,
  { id: task_id, message_id }: { id: string; message_id: string },
): void {
  const task = requireTask(tx.db, user_id, task_id);
  requireUntaken(tx, task, message_id);
  if (isAnswer(tx.db, task_id, message_id))
    throw new ErrandError('conflict', 'It answers a question, so it cannot be taken back. Change it, or say more.');
  const at = new Date().toISOString();
  remove(tx, task, message_id, at);
  const end = task.status === 'queued' ? endBefore(tx.db, task_id) : undefined;
  const rest = end && restOfNotes(tx.db, task);
  if (!rest) return;
  for (const { id } of rest) remove(tx, task, id, at);
  advance(tx, task, { type: 'message_withdrawn', end, at });
}

function remove(tx: Tx, task: TaskRow, message_id: string, at: string): void {
  if (!deleteMessage(tx.db, message_id)) throw taken();
  unbindAttachments(tx.db, task.id, message_id, at);
  tx.note(task, { type: 'message.withdrawn', body: { message_id } }, at);
}

/**
 * The pending messages for which a task goes on, if there are none but notes that came along with the message of a
 * person, and mean nothing without it. Undefined: there are others, or a worker has read one.
 */
function restOfNotes(db: Db, task: TaskRow): WaitingMessage[] | undefined {
  const rest = listWaitingMessages(db, task.id).filter(({ id }) => !isRefusedHost(db, task.id, id));
  const notes = mergedNotes(db, task);
  return rest.every(({ text, taken }) => !taken && notes.includes(text)) ? rest : undefined;
}

/** How a task had ended that a message has queued again; undefined: something else has. */
function endBefore(db: Db, task_id: string) {
  const event = findEndBeforeMessage(db, task_id);
  if (!event) return undefined;
  const parsed = CoordinatorEvent.safeParse({ type: 'task.status', body: JSON.parse(event.body) });
  if (parsed.data?.type !== 'task.status' || !isEnded(parsed.data.body.to)) return undefined;
  const { to: status, detail } = parsed.data.body;
  return { status, reason: saidReason(parsed.data.body), detail, ended_at: event.at };
}

/** The message, if nobody can have read it yet. Throws `not_found` or `conflict`. */
function requireUntaken({ db }: Tx, task: TaskRow, id: string): MessageRow {
  const message = findMessage(db, task.id, id);
  if (!message) throw new ErrandError('not_found', 'There is no such message: it was withdrawn.');
  if (message.taken_in_at !== null || message.claimed_at !== null) throw taken();
  // A worker that takes no messages by a call may have read each one that it was sent.
  if (isActive(task.status) && findAttempt(db, task.id, task.attempt)?.takes_messages !== true) throw taken('may have');
  return message;
}

const taken = (has: 'has' | 'may have' = 'has') =>
  new ErrandError('conflict', `The agent ${has} read the message already. Send another one.`);

/**
 * The worker takes messages. Returns them as they are from now on, in their order; those that were withdrawn are left
 * out. Those that it took before are returned again.
 */
export function takeMessages(tx: Tx, task_id: string, ids: readonly string[], at: string): Message[] {
  const attachments = listAttachments(tx.db, task_id);
  return ids
    .flatMap((id) => findMessage(tx.db, task_id, id) ?? [])
    .filter(({ taken_in_at }) => taken_in_at === null)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map((message) => {
      settleMessage(tx, message, at);
      return toMessage(message, attachments);
    });
}

/** From now on a message is as it is. The model and the effort that it asks for are those of the task. */
export function settleMessage(tx: Tx, { id, task_id, model, effort }: MessageRow, at: string): void {
  if (!claimMessage(tx.db, id, at) || (model === null && effort === null)) return;
  const task = findTask(tx.db, task_id);
  if (!task) return;
  const body = { model: model ?? task.model, effort: effort ?? task.effort };
  updateModel(tx.db, task_id, body, at);
  tx.note(task, { type: 'task.model', body }, at);
}
