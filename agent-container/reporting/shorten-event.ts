import type { WorkerEvent } from '../../protocol/events.ts';
import { LIMITS } from '../../protocol/limits.ts';

/** Room for the number and the time, which come later. */
const EVENT_BYTES_MAX = LIMITS.event_bytes_max - 1024;
const TEXT_CHARS_MAX = 200_000;
const LOG_CHARS_MAX = 20_000;
/** Tried in turn on every string of an event that is too large as a whole. */
const STEPS_CHARS = [50_000, 10_000, 1_000, 100];

/**
 * The event as it may cross the wire: texts keep their head and tail, an image that is too large gives way to words. What is too large
 * even so becomes a `log` event. Nothing is changed that fits.
 */
export function shorten(event: WorkerEvent): WorkerEvent {
  const chars_max = event.type === 'log' ? LOG_CHARS_MAX : TEXT_CHARS_MAX;
  const capped = Object.values(event.body).some((value) => typeof value === 'string' && value.length > chars_max)
    ? withStrings(event, chars_max)
    : event;
  if (bytesOf(capped) <= EVENT_BYTES_MAX) return capped;
  for (const step of STEPS_CHARS) {
    const shorter = withStrings(event, step);
    if (bytesOf(shorter) <= EVENT_BYTES_MAX) return shorter;
  }
  const text = `An event of type ${event.type} was too large to report: ${bytesOf(event)} bytes.`;
  return { type: 'log', body: { level: 'warn', text } };
}

const bytesOf = (event: WorkerEvent) => Buffer.byteLength(JSON.stringify(event.body));

/** The same event with every long string cut: its form, and so its type, stays. */
function withStrings(event: WorkerEvent, chars_max: number): WorkerEvent {
  return { ...event, body: cut(event.body, chars_max) } as WorkerEvent;
}

function cut(value: unknown, chars_max: number): unknown {
  if (typeof value === 'string') return cutText(value, chars_max);
  if (Array.isArray(value)) return value.map((item) => cut(item, chars_max));
  if (typeof value !== 'object' || value === null) return value;
  if ('type' in value && value.type === 'image' && JSON.stringify(value).length > chars_max)
    return { type: 'text', text: '[an image that is too large for the log]' };
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, cut(item, chars_max)]));
}

function cutText(text: string, chars_max: number): string {
  if (text.length <= chars_max) return text;
  const half = Math.floor(chars_max / 2) - 20;
  const left_out = text.length - 2 * half;
  return `${text.slice(0, half)}\n[… ${left_out} characters …]\n${text.slice(-half)}`.toWellFormed();
}
