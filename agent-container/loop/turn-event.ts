import type { WorkerEvent } from '../../protocol/events.ts';
import { shortenEvent } from '../reporting/shorten-event.ts';

type TurnFinished = Extract<WorkerEvent, { type: 'turn.finished' }>;

/**
 * The event of an answer. An answer that is too long for an event is cut, and then counts as one that was cut off at its
 * maximum length: no call of it may run, since its input may be cut too.
 */
export function turnEvent(body: TurnFinished['body']): WorkerEvent {
  const event: TurnFinished = { type: 'turn.finished', body };
  const short = shortenEvent(event);
  if (short === event || short.type !== 'turn.finished') return short;
  return { ...short, body: { ...short.body, stop_reason: 'max_tokens' } };
}
