import type { WorkerEvent } from '../../protocol/events.ts';
import { shortenEvent } from '../reporting/shorten-event.ts';

type TurnFinished = Extract<WorkerEvent, { type: 'turn.finished' }>;

/**
 * The event of an answer. One that is too long for an event loses its thinking, which is signed and so cannot be cut.
 * If it is still too long it is cut, and then counts as one that was cut off at its maximum length: no call of it may
 * run, since its input may be cut too.
 */
export function turnEvent(body: TurnFinished['body']): WorkerEvent {
  const event: TurnFinished = { type: 'turn.finished', body };
  if (shortenEvent(event) === event) return event;
  const content = body.content.filter(({ type }) => !type.endsWith('thinking'));
  const spoken: TurnFinished = { ...event, body: { ...body, content } };
  const short = shortenEvent(spoken);
  if (short === spoken || short.type !== 'turn.finished') return short;
  return { ...short, body: { ...short.body, stop_reason: 'max_tokens' } };
}
