import type { WorkerEventType } from '../../protocol/events.ts';
import type { RunJob } from '../base/check-body.ts';
import { job } from '../base/threads.ts';
import type { TranscriptRow } from '../sqlite/transcript.ts';

/** The events that have images and documents for the model. */
const TYPES: readonly string[] = ['conversation.started', 'tool.finished', 'input.added'] satisfies WorkerEventType[];

const DOCUMENT = '[a document that is left out here: read it again if you still need it]';
const IMAGE = '[an image that is left out here: look at it again if you still need it]';

export const WITHOUT_MEDIA = job('coordinator/tasks/without-media.ts', 'WITHOUT_MEDIA', inWords);

/** The events with words in the place of images and documents. A worker may have filled them with anything. */
export async function withoutMedia(rows: TranscriptRow[], run: RunJob): Promise<TranscriptRow[]> {
  const with_media = rows.filter(({ type, body }) => TYPES.includes(type) && body.includes('"base64"'));
  if (with_media.length === 0) return rows;
  const { value } = await run(Buffer.from(with_media.map(({ body }) => body).join('\n')), WITHOUT_MEDIA);
  const bodies = new Map(with_media.map((row, i) => [row, value[i]]));
  return rows.map((row) => ({ ...row, body: bodies.get(row) ?? row.body }));
}

/** Takes bodies of events, one in each line: JSON text has no line break. */
function inWords(bodies: Buffer): string[] {
  const lines = bodies.toString('utf8').split('\n');
  return lines.map((body) => JSON.stringify(JSON.parse(body, (_, value: unknown) => wordsFor(value) ?? value)));
}

/** Undefined: it is neither. This is called for each value, where a schema would take too long. */
function wordsFor(value: unknown): { type: 'text'; text: string } | undefined {
  if (!isObject(value) || !('type' in value && 'source' in value)) return undefined;
  const { type, source } = value;
  if (!isObject(source) || !('type' in source) || source.type !== 'base64') return undefined;
  if (type === 'image') return { type: 'text', text: IMAGE };
  return type === 'document' ? { type: 'text', text: DOCUMENT } : undefined;
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null;
