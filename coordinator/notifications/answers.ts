import { z } from 'zod';
import { Id } from '../../protocol/ids.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { isEnded } from '../../protocol/task.ts';
import type { Keys } from '../base/keys.ts';
import { seal, unseal } from '../base/seal.ts';
import { findChannel } from '../sqlite/channels.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { isQuestionOpen } from '../sqlite/events.ts';
import { isFamilyValid } from '../sqlite/refresh-tokens.ts';
import { findTaskOf } from '../sqlite/tasks.ts';
import { addMessage } from '../tasks/task-commands.ts';

const CONTEXT = 'answer';
/** One answer to one question, which one device may give. */
const Grant = z.object({ channel_id: Id, task_id: Id, event_id: z.number().int(), ref: z.string(), text: z.string() });
type Grant = z.infer<typeof Grant>;

/** The token with which a notification answers a question. Only this server can make one, or read it. */
export function answerToken(keys: Keys, grant: Grant): string {
  return seal(keys, JSON.stringify(grant), CONTEXT);
}

/**
 * Answers a question with a token from a notification. Throws `not_found` where the token is not valid, or its device
 * was removed or logged out, and `conflict` where the question does not wait any more.
 */
export function answer(tx: Tx, keys: Keys, token: string, now: string): { task_id: string; text: string } {
  const { channel_id, task_id, event_id, ref, text } = readToken(keys, token);
  const channel = findChannel(tx.db, channel_id);
  const lives = channel?.session && isFamilyValid(tx.db, channel.session, channel.user_id, now);
  const task = channel && lives ? findTaskOf(tx.db, channel.user_id, task_id) : undefined;
  if (!channel || !task) throw unknownToken();
  if (isEnded(task.status) || !isQuestionOpen(tx.db, task_id, event_id, ref))
    throw new ErrandError('conflict', 'The question was answered already, or does not wait any more.');
  addMessage(tx, channel.user_id, task_id, { text });
  return { task_id, text };
}

function readToken(keys: Keys, token: string): Grant {
  try {
    return Grant.parse(JSON.parse(unseal(keys, token, CONTEXT)));
  } catch (cause) {
    throw unknownToken(cause);
  }
}

function unknownToken(cause?: unknown): ErrandError {
  return new ErrandError('not_found', 'This answer is not possible any more: open the errand.', { cause });
}
