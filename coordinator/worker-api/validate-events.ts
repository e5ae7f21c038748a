import type { NumberedEvent } from '../../protocol/events.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';

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

/** What the events after `last_seq` take in the log, in bytes. */
export function sizeOf(events: CheckedEvent[], last_seq: number): number {
  let bytes = 0;
  for (const { seq, body } of events) if (seq > last_seq) bytes += Buffer.byteLength(body) + LIMITS.event_row_bytes;
  return bytes;
}

function isDeeperThan(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return levels === 0 || Object.values(value).some((inner) => isDeeperThan(inner, levels - 1));
}
