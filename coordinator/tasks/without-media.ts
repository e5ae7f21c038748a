import { z } from 'zod';
import type { WorkerEventType } from '../../protocol/events.ts';

/** The events that have images and documents for the model. */
const TYPES: readonly string[] = ['conversation.started', 'tool.finished', 'input.added'] satisfies WorkerEventType[];

const Media = z.object({ type: z.enum(['document', 'image']), source: z.object({ type: z.literal('base64') }) });

const WORDS: Record<z.infer<typeof Media>['type'], string> = {
  document: '[a document that is left out here: read it again if you still need it]',
  image: '[an image that is left out here: look at it again if you still need it]',
};

/** The body of an event, as JSON, with words in the place of images and documents. */
export function withoutMedia(type: string, body: string): string {
  if (!TYPES.includes(type) || !body.includes('"base64"')) return body;
  return JSON.stringify(JSON.parse(body, (_, value: unknown) => inWords(value)));
}

function inWords(value: unknown): unknown {
  const media = Media.safeParse(value).data;
  return media === undefined ? value : { type: 'text', text: WORDS[media.type] };
}
