import { innerOf, inWords, type Media } from './media.ts';
import type { ContentBlock, ModelMessage } from './message.ts';
import type { Refusal, RefusedKind } from './refusal.ts';

const LEFT_OUT = '[An answer that the API did not accept is left out here.]';
const WORDS: Record<Media['type'], string> = {
  document: '[a document that the API did not accept: take what you need out of it with a command]',
  image: '[an image that the API did not accept]',
};

/** How many answers of a conversation may be left out. */
const LEFT_OUT_MAX = 5;

/**
 * What the API refused of a conversation: it is sent in another form, or left out, from then on. Blocks and answers are
 * known by their identity: a transcript keeps each as one object, wherever a summary moves it.
 */
export class RefusedParts {
  /** Images and documents, which words replace, and thinking, which is left out. */
  readonly #blocks = new Set<ContentBlock>();
  readonly #answers = new Set<ModelMessage>();

  /**
   * Changes what is sent after a refusal, by the first of these that is there: the block that it names; the blocks of
   * the kind that it names, in the message that it names (or the newest), then in all messages; the answer that it
   * names, or whose results it names; with `may_guess`, the newest answer. False: nothing is left to change.
   */
  add(refusal: Refusal, messages: ModelMessage[], may_guess: boolean): boolean {
    const blocks = refusedBlocks(refusal, this.apply(messages));
    for (const block of blocks) this.#blocks.add(block);
    return blocks.length > 0 || this.#addAnswer(refusal, messages, may_guess);
  }

  /** The conversation as it is sent. Each message keeps its place. */
  apply(messages: ModelMessage[]): ModelMessage[] {
    if (this.#blocks.size === 0 && this.#answers.size === 0) return messages;
    return messages.map((message, i) => {
      if (this.#answers.has(message)) return replacementOf(message);
      const kept = withoutBlocks(message, this.#blocks);
      const before = messages[i - 1];
      return before && this.#answers.has(before) ? withoutCalls(kept) : kept;
    });
  }

  #addAnswer({ kind, message: named }: Refusal, messages: ModelMessage[], may_guess: boolean): boolean {
    const isSent = (message: ModelMessage | undefined): message is ModelMessage =>
      message?.role === 'assistant' && !this.#answers.has(message);
    const near = named === null ? [] : [messages[named], messages[named - 1]];
    const summaries = kind === 'summary' ? messages.filter(({ content }) => content.some(isSummary)) : [];
    const answer = [...near, ...summaries.toReversed(), ...(may_guess ? messages.toReversed() : [])].find(isSent);
    const left_out = messages.filter((message) => this.#answers.has(message)).length;
    if (answer === undefined || left_out >= LEFT_OUT_MAX) return false;
    this.#answers.add(answer);
    return true;
  }
}

/** The blocks of a conversation that a refusal is about. Empty: no single block can be changed. */
function refusedBlocks(refusal: Refusal, sent: ModelMessage[]): ContentBlock[] {
  const message = refusal.message === null ? undefined : sent[refusal.message];
  const block = blockAt(refusal, message);
  // No answer has images or documents, so a text that names one there is about something else.
  const is_answer = message?.role === 'assistant' && refusal.kind !== 'thinking';
  const kind = (block && kindOf(block)) ?? (is_answer ? null : refusal.kind);
  if (kind === null || kind === 'summary') return [];
  // All thinking of an answer goes at once: the API takes either all of it, or none.
  const alone = block && kind !== 'thinking' ? [block] : [];
  const scopes = [alone, (message ?? sent.at(-1))?.content ?? [], sent.flatMap(({ content }) => content)];
  for (const scope of scopes) {
    const found = scope.flatMap((outer) => [outer, ...innerOf(outer)]).filter((each) => kindOf(each) === kind);
    if (found.length > 0) return found;
  }
  return [];
}

function blockAt({ block, inner }: Refusal, message: ModelMessage | undefined): ContentBlock | undefined {
  const outer = block === null ? undefined : message?.content[block];
  return outer && inner !== null ? innerOf(outer)[inner] : outer;
}

function kindOf({ type }: ContentBlock): RefusedKind | null {
  if (type === 'image' || type === 'document') return type;
  if (type === 'compaction') return 'summary';
  return type.endsWith('thinking') ? 'thinking' : null;
}

const isSummary = (block: ContentBlock): boolean => block.type === 'compaction';

/** The message with words in the place of refused images and documents, and without refused thinking. */
function withoutBlocks({ role, content }: ModelMessage, refused: ReadonlySet<ContentBlock>): ModelMessage {
  const kept = content.filter((block) => !(refused.has(block) && kindOf(block) === 'thinking'));
  // A message must not be empty.
  if (kept.length === 0) return { role, content: [{ type: 'text', text: '(a thought)' }] };
  const words = (media: Media) => (refused.has(media) ? WORDS[media.type] : null);
  return { role, content: kept.map((block) => inWords(block, words)) };
}

/** A summary begins the conversation: without its signature only a user may say it. */
function replacementOf({ content }: ModelMessage): ModelMessage {
  const [first] = content;
  if (first?.type === 'compaction' && typeof first['content'] === 'string')
    return { role: 'user', content: [{ type: 'text', text: `The conversation so far:\n\n${first['content']}` }] };
  return { role: 'assistant', content: [{ type: 'text', text: LEFT_OUT }] };
}

/** The results of an answer that is left out become text, which needs no call. */
function withoutCalls({ role, content }: ModelMessage): ModelMessage {
  return {
    role,
    content: content.flatMap((block) =>
      block.type === 'tool_result'
        ? [{ type: 'text', text: 'The result of a call in it:' }, ...innerOf(block)]
        : [block],
    ),
  };
}
