import type { WorkerEventType } from '../../protocol/events.ts';

/** The events that have images and documents for the model. */
const TYPES: readonly string[] = ['conversation.started', 'tool.finished', 'input.added'] satisfies WorkerEventType[];

const WORDS: Record<string, string> = {
  document: '[a document that is left out here: read it again if you still need it]',
  image: '[an image that is left out here: look at it again if you still need it]',
};

/** The body of an event, as JSON, with words in the place of images and documents. */
export function withoutMedia(type: string, body: string): string {
  if (!TYPES.includes(type) || !body.includes('"base64"')) return body;
  return JSON.stringify(JSON.parse(body, (_, value: unknown) => inWords(value)));
}

function inWords(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('type' in value) || !('source' in value)) return value;
  const text = typeof value.type === 'string' ? WORDS[value.type] : undefined;
  return text === undefined ? value : { type: 'text', text };
}
