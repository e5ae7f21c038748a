import { isDeepStrictEqual } from 'node:util';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { isRedactionOf } from '../../protocol/secrets/redaction-of.ts';
import { job } from '../base/threads.ts';
import { findEventsBySeq, type SentEvent } from '../sqlite/events.ts';
import type { Db } from '../sqlite/database.ts';
import type { CheckedEvent } from './validate-events.ts';

/*
 * Events that a worker sends again. Most have the very text that is stored. To tell that another text says the same
 * takes long where it is large, so that is not done in the transaction.
 */

/** What every mask of a redacted text begins with. */
const MASK = '[secret';
/** The texts that are compared at once. */
const COMPARED_CHARS_MAX = LIMITS.callback_body_bytes_max;

/** It is not thrown in the transaction: that would undo and repeat what others store in the same one. */
export type Refused = { kind: 'refused'; error: ErrandError };

/** Events of one call whose texts must be compared with the stored ones before it can go on. */
export type UncomparedRepeats = {
  kind: 'uncompared';
  /** Their texts, for `SAME`. */
  lines: Buffer;
  events: CheckedEvent[];
  /** If they are the same as the stored ones, all events up to this `seq` are. */
  last_seq: number;
};

/**
 * Compares the events of a call that are above `same_to` with those that are stored with their `seq`, as far as their
 * texts alone tell. Undefined: they are the same. Reads no more of the stored bodies than it needs.
 */
export function compareTexts(
  db: Db,
  { task_id, n }: { task_id: string; n: number },
  events: CheckedEvent[],
  same_to: number,
): Refused | UncomparedRepeats | undefined {
  const [first, last] = [events[0]?.seq ?? 0, events.at(-1)?.seq ?? 0];
  if (last <= same_to) return undefined;
  const open: CheckedEvent[] = [];
  const lines: string[] = [];
  let [last_seq, chars] = [Math.max(first - 1, same_to), 0];
  for (const stored of findEventsBySeq(db, task_id, n, last_seq + 1, last)) {
    const sent = events[last_seq + 1 - first];
    if (!sent) break;
    if (!mayBeSame(sent, stored)) return { kind: 'refused', error: conflict(events, sent) };
    last_seq = sent.seq;
    if (isSameText(sent, stored)) continue;
    open.push(sent);
    for (const line of [stored.body, sent.body, sent.sent ?? sent.body]) {
      lines.push(line);
      chars += line.length;
    }
    if (chars >= COMPARED_CHARS_MAX) break;
  }
  if (open.length === 0) return undefined;
  return { kind: 'uncompared', lines: Buffer.from(lines.join('\n')), events: open, last_seq };
}

/** The refusal of a call with an event that differs from the one that is stored with its `seq`. */
export function conflict(events: CheckedEvent[], { seq }: CheckedEvent): ErrandError {
  const field = `/events/${events.findIndex((event) => event.seq === seq)}`;
  return new ErrandError('event_conflict', `Event ${seq} is already stored with different content.`, {
    errors: [{ field, message: 'is already stored with different content' }],
  });
}

function isSameText({ body, sent }: CheckedEvent, stored: SentEvent): boolean {
  return stored.body === body || stored.body === sent;
}

/** The same object has the same length, in whatever order its keys are; a redaction has a mask. */
function mayBeSame(event: CheckedEvent, stored: SentEvent): boolean {
  if (stored.type !== event.type || stored.at !== event.at) return false;
  return isSameText(event, stored) || stored.body.length === event.body.length || stored.body.includes(MASK);
}

/**
 * Compares events for `BodyReader`: three lines of JSON for each, the stored body, the one that would be stored now,
 * and the one that was sent. JSON text has no line break. Returns how many are the same before the first that is not.
 */
function countSame(lines: Buffer): number {
  const texts = lines.toString('utf8').split('\n');
  let same = 0;
  for (let i = 0; i < texts.length; i += 3, same++) {
    const [stored = '', body = '', sent = ''] = texts.slice(i, i + 3);
    const is_same =
      // The same object with its keys in another order is the same event.
      (stored.length === body.length && isDeepStrictEqual(JSON.parse(stored), JSON.parse(body))) ||
      // It was redacted when it was stored, and the secrets have changed since.
      isRedactionOf(stored, sent);
    if (!is_same) return same;
  }
  return same;
}

export const SAME = job('coordinator/worker-api/repeats.ts', 'SAME', countSame);
