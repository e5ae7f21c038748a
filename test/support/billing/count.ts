/*
 * How the Claude API counts a prompt, written from its documentation and without the product's code: a byte-level
 * tokenizer, images by their pixels, PDF by its pages, summaries in place of what precedes them, and cleared results.
 */

export type Block = { type: string; [field: string]: unknown };
export type PromptMessage = { role: 'user' | 'assistant'; content: string | Block[] };
export type Ttl = '5m' | '1h';
export type Mark = { type: 'ephemeral'; ttl?: Ttl };
type Threshold = { value: number };
export type PromptRequest = {
  model: string;
  max_tokens: number;
  messages: PromptMessage[];
  system?: string | Block[];
  tools?: { [field: string]: unknown }[];
  cache_control?: Mark;
  context_management?: { edits: { type: string; trigger?: Threshold; keep?: Threshold }[] };
  /** Asks for a summary of the conversation, and nothing else. */
  compaction?: { type: 'summarize'; instructions?: string };
  stream?: boolean;
  metadata?: { user_id: string };
};

/** One part of a prompt in the order of the cache: its tokens, its text for the cache, and its mark. */
export type Part = { tokens: number; text: string; mark: Ttl | undefined };

export const CONTEXT_TOKENS = 1_000_000;

const known = new Map<string, number>();

/** Up to four letters in a row are one token, and any other byte is one: the worst that a text can be. */
export function textTokens(text: string): number {
  const tokens = known.get(text) ?? countBytes(text);
  if (known.size > 20_000) known.clear();
  known.set(text, tokens);
  return tokens;
}

function countBytes(text: string): number {
  let tokens = 0;
  let letters = 0;
  for (const byte of Buffer.from(text)) {
    const is_letter = (byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122);
    letters = is_letter ? letters + 1 : 0;
    if (!is_letter || letters % 4 === 1) tokens++;
  }
  return tokens;
}

/** The messages that the model reads: those from the newest summary on. */
export function withoutSummarised(messages: PromptMessage[]): PromptMessage[] {
  for (let i = messages.length - 1; i >= 0; i--) {
    const message = messages[i];
    if (!message || message.role !== 'assistant' || typeof message.content === 'string') continue;
    const at = message.content.findLastIndex(({ type, content }) => type === 'compaction' && Boolean(content));
    if (at !== -1) return [{ ...message, content: message.content.slice(at) }, ...messages.slice(i + 1)];
  }
  return messages;
}

/** Leaves out the content of old tool results, if the request asks for it and its prompt is long enough. */
export function clear(request: PromptRequest): PromptRequest {
  const edit = request.context_management?.edits.find(({ type }) => type.startsWith('clear_tool_uses'));
  if (!edit || count(partsOf(request)) < (edit.trigger?.value ?? 100_000)) return request;
  const total = request.messages.flatMap(({ content }) => resultsIn(content)).length;
  let left = Math.max(0, total - (edit.keep?.value ?? 3));
  const messages = request.messages.map(({ role, content }) => {
    if (typeof content === 'string') return { role, content };
    return {
      role,
      content: content.map((block) =>
        block.type === 'tool_result' && left-- > 0 ? { ...block, content: '[cleared]' } : block,
      ),
    };
  });
  return { ...request, messages };
}

/** What the API adds to the instructions for a summary. */
const SUMMARY_TOKENS = 400;

/** The parts of a prompt: tools, system, messages, and the instructions for a summary. */
export function partsOf({ tools = [], system, messages, compaction }: PromptRequest): Part[] {
  const described = tools.map((tool) => ({ type: 'tool', tool, cache_control: tool['cache_control'] }));
  const instructions = typeof system === 'string' ? [{ type: 'text', text: system }] : (system ?? []);
  const blocks = messages.flatMap(({ role, content }) => {
    const all = typeof content === 'string' ? [{ type: 'text', text: content }] : content;
    return all.map((block, i) => ({ block, role: i === 0 ? role : '' }));
  });
  return [
    ...(tools.length > 0 ? [{ tokens: 346, text: 'tools', mark: undefined }] : []),
    ...described.map(toPart),
    ...instructions.map(toPart),
    ...blocks.map(({ block, role }) => {
      const part = toPart(block);
      return { ...part, tokens: part.tokens + (role === '' ? 0 : 4), text: role + part.text };
    }),
    ...(compaction ? [toInstructions(compaction)] : []),
  ];
}

function toInstructions({ instructions = '' }: PromptRequest['compaction'] & object): Part {
  return { tokens: SUMMARY_TOKENS + textTokens(instructions), text: instructions, mark: undefined };
}

export function count(parts: Part[]): number {
  return parts.reduce((total, { tokens }) => total + tokens, 0);
}

function resultsIn(content: string | Block[]): Block[] {
  return typeof content === 'string' ? [] : content.filter(({ type }) => type === 'tool_result');
}

function toPart(block: Block): Part {
  const mark = block['cache_control'] as Mark | undefined;
  const text = JSON.stringify(block, (key, value: unknown) => (key === 'cache_control' ? undefined : value));
  return { tokens: blockTokens(block), text, mark: mark && (mark.ttl ?? '5m') };
}

function blockTokens(block: Block): number {
  const { text, content, thinking, signature, source, input, name, tool } = block as Record<string, string>;
  switch (block.type) {
    case 'text':
      return 3 + textTokens(text ?? '');
    case 'compaction':
      return 3 + textTokens(content ?? '');
    case 'tool':
      return toolTokens(tool as unknown as Record<string, unknown>);
    case 'tool_use':
      return 10 + textTokens(`${name}${asciiJson(input)}`);
    case 'tool_result':
      return 10 + contentTokens(content);
    case 'thinking':
      // The signature holds the thoughts that are not shown.
      return 3 + textTokens(thinking ?? '') + Math.floor((signature ?? '').length / 2);
    case 'image':
    case 'document':
      return 10 + sourceTokens(block.type, source as unknown as Source);
    default:
      throw new Error(`No rule for the block ${block.type}.`);
  }
}

function toolTokens(tool: Record<string, unknown>): number {
  if (typeof tool['type'] === 'string' && tool['type'] !== 'custom') return 700;
  const { cache_control: _, ...described } = tool;
  return 20 + textTokens(asciiJson(described));
}

function contentTokens(content: unknown): number {
  if (typeof content === 'string') return textTokens(content);
  return ((content ?? []) as Block[]).reduce((total, block) => total + blockTokens(block), 0);
}

type Source = { type: string; data?: string; content?: Block[] };

function sourceTokens(kind: string, { type, data = '', content }: Source): number {
  if (type === 'text') return textTokens(data);
  if (type === 'content') return contentTokens(content);
  const bytes = Buffer.from(data, 'base64');
  if (kind === 'image') {
    const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
    return Math.min(4_784, Math.ceil(width / 28) * Math.ceil(height / 28));
  }
  const pages = Number(/\/Count (\d+)/.exec(bytes.toString('latin1'))?.[1]);
  // Each page is an image, and its text besides.
  return pages * (1_600 + 1_400);
}

function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(/[^\0-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
