import type { WorkerEvent } from '../../protocol/events.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { cutMiddle } from '../base/head-and-tail.ts';

/** Leaves room for the number and the time, which the spool adds. */
const EVENT_BYTES_MAX = LIMITS.event_bytes_max - 1024;
const TEXT_CHARS_MAX = 200_000;
const LOG_CHARS_MAX = 20_000;
/** Lengths tried in turn on every string of an event that is too large as a whole. */
const SHORTER_CHARS = [50_000, 10_000, 1_000, 100];

/**
 * Makes an event fit the contract's limits. Long texts keep their head and tail, a large image becomes a note, and an
 * event that is still too large becomes a `log` event. An event that fits is returned unchanged.
 */
export function shortenEvent(event: WorkerEvent): WorkerEvent {
  const chars_max = event.type === 'log' ? LOG_CHARS_MAX : TEXT_CHARS_MAX;
  const has_long_text = Object.values(event.body).some(
    (value) => typeof value === 'string' && value.length > chars_max,
  );
  const capped = has_long_text ? withShortStrings(event, chars_max) : event;
  if (bytesOf(capped) <= EVENT_BYTES_MAX) return capped;
  for (const shorter_chars of SHORTER_CHARS) {
    const shorter = withShortStrings(event, shorter_chars);
    if (bytesOf(shorter) <= EVENT_BYTES_MAX) return shorter;
  }
  const text = `An event of type ${event.type} was too large to report: ${bytesOf(event)} bytes.`;
  return { type: 'log', body: { level: 'warn', text } };
}

const bytesOf = (event: WorkerEvent) => Buffer.byteLength(JSON.stringify(event.body));

/** The same event with every long string cut. Its shape stays, and so does its type. */
function withShortStrings(event: WorkerEvent, chars_max: number): WorkerEvent {
  return { ...event, body: shorten(event.body, chars_max) } as WorkerEvent;
}

function shorten(value: unknown, chars_max: number): unknown {
  if (typeof value === 'string') return cutMiddle(value, chars_max);
  if (Array.isArray(value)) return value.map((item) => shorten(item, chars_max));
  if (typeof value !== 'object' || value === null) return value;
  if ('type' in value && value.type === 'image' && JSON.stringify(value).length > chars_max)
    return { type: 'text', text: '[an image that is too large for the log]' };
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shorten(item, chars_max)]));
}
