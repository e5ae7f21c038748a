import { z } from 'zod';
import { ContentBlock, type ModelMessage } from './message.ts';

/** What a block such as the result of a call may contain. */
const Blocks = z.array(ContentBlock);

const LEFT_OUT = '[An answer that the API did not accept is left out here.]';

/** How many answers may be left out. */
const LEFT_OUT_MAX = 5;

/** The parts of a conversation that may be refused. */
export type RefusedPart = 'thinking' | 'image' | 'answer';
/** The message and its block that the API names; null where it does not. */
export type RefusedPlace = { message: number | null; block: number | null };

/**
 * What the API refuses of a conversation, by its place: it is sent in another form, or left out, from then on.
 */
export class RefusedParts {
  /** Answers that are sent without their thinking. */
  #thoughtless = new Set<number>();
  /** Messages without their images, and which of their blocks: null for all. */
  #imageless = new Map<number, Set<number | null>>();
  #left_out = new Set<number>();
  readonly #everywhere = new Set<RefusedPart>();

  /**
   * Changes what is sent after the API refused a part of a message: of the one that it names, or whose results it names;
   * else of the newest one. False: nothing is left to change.
   */
  add(part: RefusedPart, messages: ModelMessage[], { message: named, block }: RefusedPlace): boolean {
    switch (part) {
      case 'answer':
        return this.#addAnswer(messages, named);
      case 'thinking':
        if (named === null || this.#thoughtless.has(named)) return this.#addEverywhere(part);
        this.#thoughtless.add(named);
        return true;
      case 'image':
        return this.#addImage(named ?? messages.findLastIndex((message, i) => this.#hasImages(message, i)), block);
    }
  }

  /** The conversation as it is sent. */
  apply(messages: ModelMessage[]): ModelMessage[] {
    const changed = messages.map((message, i) => {
      const has_no_thinking = this.#everywhere.has('thinking') || this.#thoughtless.has(i);
      const thoughtless = has_no_thinking ? withoutThinking(message) : message;
      const imageless = this.#everywhere.has('image') ? ALL_BLOCKS : this.#imageless.get(i);
      return imageless ? withoutImages(thoughtless, imageless) : thoughtless;
    });
    return [...this.#left_out].reduce(leaveOutAnswer, changed);
  }

  /** A summary has taken the place of this many messages. */
  shift(count: number): void {
    const shifted = (set: Set<number>) => new Set([...set].map((i) => i - count + 1).filter((i) => i > 0));
    this.#thoughtless = shifted(this.#thoughtless);
    const imageless = [...this.#imageless].map(([i, blocks]) => [i - count + 1, blocks] as const);
    this.#imageless = new Map(imageless.filter(([i]) => i > 0));
    this.#left_out = shifted(this.#left_out);
  }

  /** The named block alone; if that was not it, the images of its message; then all. */
  #addImage(message: number, block: number | null): boolean {
    const blocks = this.#imageless.get(message) ?? new Set();
    const next = blocks.has(block) ? null : block;
    if (message === -1 || blocks.has(next)) return this.#addEverywhere('image');
    this.#imageless.set(message, blocks.add(next));
    return true;
  }

  /** Whether a message has images that are still sent. */
  #hasImages({ role, content }: ModelMessage, index: number): boolean {
    return (
      role === 'user' && !this.#imageless.get(index)?.has(null) && JSON.stringify(content).includes('"type":"image"')
    );
  }

  #addAnswer(messages: ModelMessage[], named: number | null): boolean {
    const isCandidate = (i: number) => messages[i]?.role === 'assistant' && !this.#left_out.has(i);
    const newest = messages.findLastIndex((_, i) => isCandidate(i));
    const index = named === null ? newest : ([named, named - 1].find(isCandidate) ?? -1);
    if (index === -1 || this.#left_out.size >= LEFT_OUT_MAX) return false;
    this.#left_out.add(index);
    return true;
  }

  #addEverywhere(part: RefusedPart): boolean {
    if (this.#everywhere.has(part)) return false;
    this.#everywhere.add(part);
    return true;
  }
}

/** A message must not be empty, so it gets a placeholder. */
function withoutThinking({ role, content }: ModelMessage): ModelMessage {
  const kept = content.filter(({ type }) => !type.endsWith('thinking'));
  return { role, content: kept.length > 0 ? kept : [{ type: 'text', text: '(a thought)' }] };
}

const ALL_BLOCKS: ReadonlySet<number | null> = new Set([null]);

function withoutImages({ role, content }: ModelMessage, blocks: ReadonlySet<number | null>): ModelMessage {
  return {
    role,
    content: content.map((block, i) => (blocks.has(null) || blocks.has(i) ? withoutImage(block) : block)),
  };
}

function withoutImage(block: ContentBlock): ContentBlock {
  if (block.type === 'image') return { type: 'text', text: '[an image that the API did not accept]' };
  const inner = Blocks.safeParse(block['content']).data;
  return inner ? { ...block, content: inner.map(withoutImage) } : block;
}

/** The conversation without the answer at `index`. The results of its calls become text, which needs no call. */
function leaveOutAnswer(messages: ModelMessage[], index: number): ModelMessage[] {
  return messages.map((message, i) => {
    if (i === index) return replacementOf(message);
    return i === index + 1 ? { ...message, content: message.content.flatMap(withoutCall) } : message;
  });
}

/** A summary begins the conversation: without its signature only a user may say it. */
function replacementOf({ content }: ModelMessage): ModelMessage {
  const [first] = content;
  if (first?.type === 'compaction' && typeof first['content'] === 'string')
    return { role: 'user', content: [{ type: 'text', text: `The conversation so far:\n\n${first['content']}` }] };
  return { role: 'assistant', content: [{ type: 'text', text: LEFT_OUT }] };
}

function withoutCall(block: ContentBlock): ContentBlock[] {
  if (block.type !== 'tool_result') return [block];
  return [{ type: 'text', text: 'The result of a call in it:' }, ...(Blocks.safeParse(block['content']).data ?? [])];
}
