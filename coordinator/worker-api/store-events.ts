import { ErrandError } from '../../protocol/problem.ts';
import type { Tx } from '../sqlite/event-log.ts';
import { compareTexts, type Refused, type UncomparedRepeats } from './repeats.ts';
import type { CheckedEvent } from './validate-events.ts';

/** `added`: the events that were new. */
type Outcome = { kind: 'stored'; added: CheckedEvent[] } | Refused | UncomparedRepeats;

type Attempt = { task_id: string; user_id: string; n: number; last_seq: number };

/**
 * Stores the events that are new. Skips those that are stored already. Otherwise stores none and returns why:
 * `events_missing` where there is a gap before them, `event_conflict` where a stored `seq` is sent again with different
 * content, and the events that must be compared first. `same_to`: up to this `seq` they were.
 */
export function storeEvents(tx: Tx, attempt: Attempt, events: CheckedEvent[], same_to: number): Outcome {
  const { task_id, user_id, n, last_seq } = attempt;
  const first = events[0]?.seq ?? last_seq + 1;
  if (first > last_seq + 1) {
    const message = `The events from ${last_seq + 1} on have not arrived.`;
    return { kind: 'refused', error: new ErrandError('events_missing', message, { expected_seq: last_seq + 1 }) };
  }
  const known = events.filter(({ seq }) => seq <= last_seq);
  const difference = compareTexts(tx.db, attempt, known, same_to);
  if (difference) return difference;
  const added = events.slice(known.length);
  tx.appendAll(added.map(({ seq, type, at, body }) => ({ task_id, user_id, attempt: n, seq, type, at, body })));
  return { kind: 'stored', added };
}
