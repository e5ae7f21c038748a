import { z } from 'zod';
import { ContentBlock } from './message.ts';

/** An image or a document. */
export type Media = ContentBlock & { type: 'image' | 'document' };

const Blocks = z.array(ContentBlock);
const isBlocks = (value: unknown): value is ContentBlock[] => Blocks.safeParse(value).success;

export const isMedia = (block: ContentBlock): block is Media => block.type === 'image' || block.type === 'document';

/** The blocks in the content of a block, such as the result of a call: themselves and no copies. */
export const innerOf = (block: ContentBlock): ContentBlock[] => (isBlocks(block['content']) ? block['content'] : []);

/** The block with words in the place of images and documents, of itself or in its content; null: one stays. */
export function inWords(block: ContentBlock, words: (media: Media) => string | null): ContentBlock {
  const text = isMedia(block) ? words(block) : null;
  if (text !== null) return { type: 'text', text };
  const inner = innerOf(block);
  const replaced = inner.map((each) => inWords(each, words));
  return replaced.every((each, i) => each === inner[i]) ? block : { ...block, content: replaced };
}
