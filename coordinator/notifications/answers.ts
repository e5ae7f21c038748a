import { z } from 'zod';
import { Id } from '../../protocol/ids.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { Config } from '../base/config.ts';
import type { Keys } from '../base/keys.ts';
import { seal, unseal } from '../base/seal.ts';
import { findChannel } from '../sqlite/channels.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { findNeed } from '../sqlite/needs.ts';
import { isFamilyValid } from '../sqlite/refresh-tokens.ts';
import { answerNeed } from '../tasks/answer-need.ts';

const CONTEXT = 'answer';
/** One answer to one decision, which one device may give. */
const Grant = z.object({ channel_id: Id, task_id: Id, need_id: Id, value: z.string() });
type Grant = z.infer<typeof Grant>;

/** The token with which a notification answers a question. Only this server can make one, or read it. */
export function answerToken(keys: Keys, grant: Grant): string {
  return seal(keys, JSON.stringify(grant), CONTEXT);
}

/** Adds an entry about the person to the audit log, or throws `rate_limited`. */
export type AuditAnswer = (
  tx: Tx,
  fact: { action: 'need.answered'; user_id: string; subject: string; detail: Record<string, unknown> },
) => void;
type Parts = { keys: Keys; config: Pick<Config, 'member_budget_usd_max'>; audit: AuditAnswer };

/**
 * Makes a decision with a token from a notification. Throws `not_found` where the token is not valid, or its device was
 * removed or logged out, and `conflict` where the decision was made already, or is not needed any more.
 */
export function answer(
  tx: Tx,
  { keys, config, audit }: Parts,
  token: string,
  now: string,
): { task_id: string; text: string } {
  const { channel_id, task_id, need_id, value } = readToken(keys, token);
  const channel = findChannel(tx.db, channel_id);
  const lives = channel?.session && isFamilyValid(tx.db, channel.session, channel.user_id, now);
  const need = channel && lives ? findNeed(tx.db, task_id, need_id) : undefined;
  if (!channel || !need) throw unknownToken();
  const { user_id, name } = channel;
  const choose = [value];
  answerNeed(tx, config, user_id, { id: task_id, need_id }, { choose }, name);
  const detail = { kind: need.kind, choose, channel: channel_id };
  audit(tx, { action: 'need.answered', user_id, subject: task_id, detail });
  return { task_id, text: need.options.find((option) => option.value === value)?.label ?? value };
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
