import { allBlocks, type Message, type RequestBody } from './request-body.ts';

/** What a prompt may cost at most, before the API has read it. */
export type InputEstimate = {
  /** The prompt has no more tokens than this. */
  tokens_max: number;
  /** The most expensive kind of cache that the prompt may be written to. */
  cache: 'none' | '5m' | '1h';
  /**
   * Whether the API may summarise the conversation before it answers. It then reads a prompt twice and writes twice.
   */
  compacts: boolean;
};

/** The longest prompt that any model reads. */
const PROMPT_TOKENS_MAX = 1_000_000;
/** The most tokens of one image: the API scales larger ones down. */
const IMAGE_TOKENS_MAX = 5_000;
/** What the API adds to a prompt: instructions for tools, thinking, formats and summaries. */
const ADDED_TOKENS_MAX = 2_000;
/** The description of one of the API's own tools, such as `bash_20250124`. */
const OWN_TOOL_TOKENS_MAX = 1_000;
/** The least that the API accepts as the trigger of a compaction. It serves where a request names none. */
const COMPACT_FROM_TOKENS = 50_000;

/**
 * The upper bound of a request's prompt, from its body alone. It holds for hostile text too: no token is shorter than
 * a byte. What precedes a summary is left out, as the API does. The tokens of an image or a PDF do not follow from
 * their bytes: an image counts as the largest one, and a few bytes of PDF may be a book.
 */
export function estimateInput(body: RequestBody): InputEstimate {
  const messages = effectiveMessages(body.messages);
  const json = JSON.stringify({ ...body, messages });
  let tokens = bytesAsTokens(json) + ADDED_TOKENS_MAX;
  for (const { type } of body.tools ?? []) if ((type ?? 'custom') !== 'custom') tokens += OWN_TOOL_TOKENS_MAX;
  tokens += mediaTokens([body.system, ...messages.map(({ content }) => content)]);
  const tokens_max = Math.min(tokens, PROMPT_TOKENS_MAX);
  return { tokens_max, cache: cacheOf(json), compacts: tokens_max >= compactsFrom(body) };
}

/** The most tokens of a message that is added to a prompt, with the comma before it. */
export function estimateMessage(message: Message): number {
  return bytesAsTokens(JSON.stringify(message)) + 1 + mediaTokens([message.content]);
}

/** How many tokens make the API summarise the conversation; `Infinity` where the request does not ask for it. */
export function compactsFrom({ context_management }: RequestBody): number {
  const edit = context_management?.edits?.find(({ type }) => type.startsWith('compact'));
  return edit ? (edit.trigger?.value ?? COMPACT_FROM_TOKENS) : Infinity;
}

/** The messages that the model reads: from the newest summary on. A summary without content has no effect. */
function effectiveMessages(messages: Message[]): Message[] {
  const from = messages.findLastIndex((message) => summaryAt(message) !== -1);
  const first = messages[from];
  if (!first || !Array.isArray(first.content)) return messages;
  return [{ ...first, content: first.content.slice(summaryAt(first)) }, ...messages.slice(from + 1)];
}

/** The position of a message's newest summary, or -1. */
function summaryAt({ role, content }: Message): number {
  if (role !== 'assistant' || !Array.isArray(content)) return -1;
  return content.findLastIndex((block) => {
    return block.type === 'compaction' && typeof block.content === 'string' && block.content !== '';
  });
}

/**
 * The bytes of a JSON text whose other characters are escaped, as a prompt may contain it: six bytes for each UTF-16
 * unit outside ASCII, which has at least two bytes in UTF-8.
 */
function bytesAsTokens(json: string): number {
  return json.length + 5 * (Buffer.byteLength(json) - json.length);
}

/** The tokens of images and documents, less the bytes of their data, which were counted as text. */
function mediaTokens(contents: unknown[]): number {
  let tokens = 0;
  for (const content of contents)
    for (const { block, source } of allBlocks(content)) {
      if (source?.type !== 'base64' || (block.type !== 'image' && block.type !== 'document')) continue;
      tokens += block.type === 'image' ? IMAGE_TOKENS_MAX : PROMPT_TOKENS_MAX;
      tokens -= JSON.stringify(source.data ?? '').length;
    }
  return tokens;
}

/** JSON that was parsed and written again has one spelling, so a search finds the marks of the cache. */
function cacheOf(json: string): InputEstimate['cache'] {
  if (!json.includes('"cache_control":{')) return 'none';
  return json.includes('"ttl":"1h"') ? '1h' : '5m';
}
