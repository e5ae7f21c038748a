import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { ErrandError, parse } from '../../../protocol/problem.ts';
import { scan, type Span } from './scan.ts';

/*
 * What of the Claude API a task may use. The container is untrusted, and any process in it can make requests: so this is a list of what is
 * allowed. What is not on it could fetch or keep something on the vendor's side, past the forward proxy, or costs what no meter here knows.
 */

const names = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** The last four the API itself takes or refuses, by the model. */
const FIELDS = names(
  `model max_tokens messages system tools tool_choice stream stop_sequences metadata thinking output_config cache_control
   context_management compaction diagnostics temperature top_p top_k output_format`,
);
const BLOCKS = names(
  `text image document search_result thinking redacted_thinking tool_use tool_result tool_reference compaction`,
);
/** Tools that the caller carries out by itself. */
const TOOLS = /^(custom|(bash|text_editor|memory)_\d{8})$/;
const SOURCES = new Set(['base64', 'text', 'content']);

/** No image costs more tokens than this, however many bytes it has. */
const IMAGE_TOKENS_MAX = 5_000;
/** Few texts have less than three bytes to a token. */
const BYTES_PER_TOKEN = 3;
const DEPTH_MAX = 5;

const Block = z.looseObject({ type: z.string(), source: z.unknown().optional(), content: z.unknown().optional() });
const Source = z.looseObject({ type: z.string(), data: z.string().optional(), content: z.unknown().optional() });
const Content = z.union([z.string(), z.array(Block)]);
const Body = z.looseObject({
  model: z.string(),
  max_tokens: z.number().int().nonnegative().optional(),
  stream: z.boolean().optional(),
  system: Content.optional(),
  messages: z.array(z.looseObject({ content: Content.nullish() })),
  tools: z.array(z.looseObject({ type: z.string().nullish() })).optional(),
});

/** What the meter and the budget must know of a request that is allowed. */
export type LlmRequest = {
  model: string;
  /** Absent where only tokens are counted. */
  max_tokens: number | undefined;
  /** Where `max_tokens` stands in the body. */
  max_tokens_at: Span | undefined;
  /** The prompt's tokens, rather too many than too few. */
  input_tokens: number;
  /** Whether the prompt may go into the cache that keeps it for an hour, and costs more to write. */
  hour_cache: boolean;
};

/** Reads a request's body and holds it against the policy. Throws what is wrong with it: 400, or 403 for what is not allowed. */
export function readRequest(raw: Buffer): LlmRequest {
  const value = parseJson(raw);
  const { duplicate, span } = scan(raw, 'max_tokens');
  if (duplicate !== undefined)
    throw new ErrandError('invalid', `${duplicate}: the same key comes twice in one object.`);
  const body = parse(Body, value, "The model request's body");
  for (const field of Object.keys(body)) if (!FIELDS.has(field)) refuse(`the field '${field}'`);
  for (const { type } of body.tools ?? [])
    if (!TOOLS.test(type ?? 'custom')) refuse(`the tool '${type ?? ''}', which runs outside of the container`);

  const found: Found = { images: 0, image_bytes: 0 };
  checkContent(body.system, found, 0);
  for (const message of body.messages) checkContent(message.content, found, 0);
  return {
    model: body.model,
    max_tokens: body.max_tokens,
    max_tokens_at: span,
    input_tokens: Math.ceil((raw.length - found.image_bytes) / BYTES_PER_TOKEN) + found.images * IMAGE_TOKENS_MAX,
    hour_cache: raw.includes('"1h"'),
  };
}

/** The body with another `max_tokens`, and every other byte as it was. */
export function withMaxTokens(raw: Buffer, at: Span, max_tokens: number): Buffer {
  return Buffer.concat([raw.subarray(0, at.start), Buffer.from(String(max_tokens)), raw.subarray(at.end)]);
}

type Found = { images: number; image_bytes: number };

function checkContent(content: unknown, found: Found, depth: number): void {
  if (content === undefined || content === null || typeof content === 'string') return;
  if (depth > DEPTH_MAX) refuse('content nested this deeply');
  for (const block of parse(z.array(Block), content, "The model request's content")) {
    if (!BLOCKS.has(block.type)) refuse(`a block of type '${block.type}'`);
    if (block.source !== undefined && block.type !== 'search_result')
      checkSource(block.type, block.source, found, depth);
    if (block.type !== 'compaction') checkContent(block.content, found, depth + 1);
  }
}

function checkSource(block: string, value: unknown, found: Found, depth: number): void {
  const source = parse(Source, value, `The source of the ${block}`);
  if (!SOURCES.has(source.type)) refuse(`a source of type '${source.type}'`);
  if (block === 'image') {
    found.images++;
    found.image_bytes += source.data?.length ?? 0;
  }
  checkContent(source.content, found, depth + 1);
}

function parseJson(raw: Buffer): unknown {
  try {
    if (isUtf8(raw)) return JSON.parse(raw.toString('utf8'));
  } catch {
    // The same answer as for bytes that are no text.
  }
  throw new ErrandError('invalid', 'The request body is not valid JSON.');
}

function refuse(what: string): never {
  throw new ErrandError('forbidden', `Tasks of this server may not use ${what}.`);
}
