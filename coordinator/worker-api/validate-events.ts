import { isDeepStrictEqual } from 'node:util';
import type { NumberedEvent } from '../../protocol/events.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { isRedactionOf } from '../base/redactor.ts';
import { findEventsBySeq, type SentEvent } from '../sqlite/events.ts';
import type { Tx } from '../sqlite/event-log.ts';

/** The events that change the rows of their task, or are checked against them. */
type TaskEvent = Extract<
  NumberedEvent,
  {
    type:
      | 'agent.started'
      | 'repository.ready'
      | 'question.asked'
      | 'question.closed'
      | 'plan.updated'
      | 'branch.pushed'
      | 'input.added';
  }
>;

/**
 * A valid event, with its body as the JSON text that is stored. `acts`: the event itself, if it is one of those; the
 * others are needed as text alone. `sent`: the body as it was sent, if it was redacted.
 */
export type CheckedEvent = Pick<NumberedEvent, 'seq' | 'at' | 'type'> & {
  body: string;
  acts: TaskEvent | null;
  sent?: string;
};

/**
 * Checks what the schema cannot: size, nesting depth, consecutive `seq`. Throws `invalid` or `too_large`, naming the
 * event.
 */
export function checkEvents(events: NumberedEvent[]): CheckedEvent[] {
  const first = events[0]?.seq ?? 1;
  return events.map((event, index) => {
    const field = `/events/${index}`;
    if (event.seq !== first + index) throw invalid(`${field}/seq`, `is ${event.seq}, but ${first + index} comes next`);
    if (isDeeperThan(event.body, LIMITS.event_depth_max))
      throw invalid(`${field}/body`, `is nested deeper than ${LIMITS.event_depth_max} levels`);
    const body = JSON.stringify(event.body);
    // A character takes at most 3 bytes: shorter text need not be measured in bytes.
    if (body.length > LIMITS.event_bytes_max / 3 && Buffer.byteLength(body) > LIMITS.event_bytes_max)
      throw new ErrandError('too_large', `${field} is longer than ${LIMITS.event_bytes_max} bytes.`, {
        errors: [{ field, message: `is longer than ${LIMITS.event_bytes_max} bytes` }],
      });
    const { seq, at, type } = event;
    return { seq, at, type, body, acts: actsOn(event) };
  });
}

/** The event, if it is more than text to the coordinator. */
export function actsOn(event: NumberedEvent): TaskEvent | null {
  switch (event.type) {
    case 'agent.started':
    case 'repository.ready':
    case 'question.asked':
    case 'question.closed':
    case 'plan.updated':
    case 'branch.pushed':
    case 'input.added':
      return event;
    default:
      return null;
  }
}

/** The error for one field that is not valid. `message` is read after the field's name. */
export function invalid(field: string, message: string): ErrandError {
  return new ErrandError('invalid', `The request is not valid: ${field} ${message}`, { errors: [{ field, message }] });
}

type Attempt = { task_id: string; user_id: string; n: number; last_seq: number };

/**
 * Stores the events that are new and returns them. Skips those that are stored already. Throws `events_missing` where
 * there is a gap before them, and `event_conflict` where a stored `seq` is sent again with different content.
 */
export function storeEvents(tx: Tx, attempt: Attempt, events: CheckedEvent[]): CheckedEvent[] {
  const { task_id, user_id, n, last_seq } = attempt;
  const first = events[0]?.seq ?? last_seq + 1;
  if (first > last_seq + 1)
    throw new ErrandError('events_missing', `The events from ${last_seq + 1} on have not arrived.`, {
      expected_seq: last_seq + 1,
    });
  const known = events.filter(({ seq }) => seq <= last_seq);
  requireSame(tx, attempt, known);
  const added = events.slice(known.length);
  tx.appendAll(added.map(({ seq, type, at, body }) => ({ task_id, user_id, attempt: n, seq, type, at, body })));
  return added;
}

/** What the events after `last_seq` take in the log, in bytes. */
export function sizeOf(events: CheckedEvent[], last_seq: number): number {
  let bytes = 0;
  for (const { seq, body } of events) if (seq > last_seq) bytes += Buffer.byteLength(body) + LIMITS.event_row_bytes;
  return bytes;
}

/** Throws `event_conflict` where an event differs from the one that is stored with its `seq`. */
function requireSame(tx: Tx, { task_id, n }: Attempt, events: CheckedEvent[]): void {
  const [first, last] = [events[0]?.seq, events.at(-1)?.seq];
  if (first === undefined || last === undefined) return;
  const stored = findEventsBySeq(tx.db, task_id, n, first, last);
  for (const [index, sent] of events.entries())
    if (!isSame(sent, stored[index]))
      throw new ErrandError('event_conflict', `Event ${sent.seq} is already stored with different content.`, {
        errors: [{ field: `/events/${index}`, message: 'is already stored with different content' }],
      });
}

function isSame({ type, at, body, sent = body }: CheckedEvent, stored: SentEvent | undefined): boolean {
  if (stored?.type !== type || stored.at !== at) return false;
  // The same object with its keys in another order is the same event.
  if (stored.body === body || isDeepStrictEqual(JSON.parse(stored.body), JSON.parse(body))) return true;
  // It was redacted when it was stored, and the secrets have changed since.
  return stored.body === sent || isRedactionOf(stored.body, sent);
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}
