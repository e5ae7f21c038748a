import { z } from 'zod';
import { innerOf, inWords, isMedia, type Media } from './media.ts';
import type { ContentBlock, ModelMessage } from './message.ts';

/** The images and documents of one request in base64: the API takes 32 MB with all the rest. */
const BYTES_MAX = 20 * 1024 * 1024;
/** As much as each counts at least: so they are 80 at most, of which some models take 100. */
const BYTES_EACH_MIN = BYTES_MAX / 80;
/** What stays once there are more. Each time costs the cache, so several are left out at once. */
const BYTES_KEPT = BYTES_MAX / 2;

const WORDS: Record<Media['type'], string> = {
  document: '[a document that is left out here to make room for newer ones: read it again if you still need it]',
  image: '[an image that is left out here to make room for newer ones: look at it again if you still need it]',
};
const Base64 = z.object({ source: z.object({ data: z.string() }) });

/**
 * Keeps the images and documents of a conversation within what one request may have: the oldest are left out, and stay
 * so. They are known by their identity, as in `RefusedParts`.
 */
export class MediaLimit {
  readonly #left_out = new Set<ContentBlock>();

  /** The conversation as it is sent. Each block keeps its place. */
  apply(messages: ModelMessage[]): ModelMessage[] {
    const blocks = messages.flatMap(({ content }) => content.flatMap((block) => [block, ...innerOf(block)]));
    this.#leaveOut(blocks.filter(isMedia).filter((media) => !this.#left_out.has(media)));
    if (this.#left_out.size === 0) return messages;
    const words = (media: Media) => (this.#left_out.has(media) ? WORDS[media.type] : null);
    return messages.map(({ role, content }) => ({ role, content: content.map((block) => inWords(block, words)) }));
  }

  #leaveOut(oldest_first: Media[]): void {
    let bytes = oldest_first.map(bytesOf).reduce((sum, each) => sum + each, 0);
    if (bytes <= BYTES_MAX) return;
    for (const media of oldest_first) {
      if (bytes <= BYTES_KEPT) return;
      this.#left_out.add(media);
      bytes -= bytesOf(media);
    }
  }
}

function bytesOf(media: Media): number {
  return Math.max(BYTES_EACH_MIN, Base64.safeParse(media).data?.source.data.length ?? 0);
}
