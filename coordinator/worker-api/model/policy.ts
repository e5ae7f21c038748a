import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { ErrandError, parse } from '../../../protocol/problem.ts';
import { scan, type Span } from './scan.ts';

/*
 * The features of the Claude API that a task may use. Any process in the untrusted container can send requests, so
 * this is an allow-list. Other features could fetch or store data on the vendor's servers, outside the forward
 * proxy's control, or have costs that the meter does not know.
 */

const names = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Whether the last four are accepted depends on the model; the API checks them. */
const FIELDS = names(
  `model max_tokens messages system tools tool_choice stream stop_sequences metadata thinking output_config cache_control
   context_management compaction diagnostics temperature top_p top_k output_format`,
);
const BLOCK_TYPES = names(
  `text image document search_result thinking redacted_thinking tool_use tool_result tool_reference compaction`,
);
/** The tools that the caller runs itself. */
const TOOLS = /^(custom|(bash|text_editor|memory)_\d{8})$/;
const SOURCE_TYPES = new Set(['base64', 'text', 'content']);

/** The most tokens that one image costs, whatever its size in bytes. */
const IMAGE_TOKENS_MAX = 5_000;
/** A low estimate: few texts have fewer bytes per token. */
const BYTES_PER_TOKEN = 3;
const DEPTH_MAX = 5;

const ContentBlock = z.looseObject({
  type: z.string(),
  source: z.unknown().optional(),
  content: z.unknown().optional(),
});
const Source = z.looseObject({ type: z.string(), data: z.string().optional(), content: z.unknown().optional() });
const Content = z.union([z.string(), z.array(ContentBlock)]);
const Body = z.looseObject({
  model: z.string(),
  max_tokens: z.number().int().nonnegative().optional(),
  stream: z.boolean().optional(),
  system: Content.optional(),
  messages: z.array(z.looseObject({ content: Content.nullish() })),
  tools: z.array(z.looseObject({ type: z.string().nullish() })).optional(),
});

/** The properties of an allowed request that decide its cost. */
export type LlmRequest = {
  model: string;
  /** Undefined for a request that only counts tokens. */
  max_tokens: number | undefined;
  /** The position of the value of `max_tokens` in the body. */
  max_tokens_at: Span | undefined;
  /** An upper estimate of the prompt's tokens. */
  input_tokens: number;
  /** Whether the request may use the one-hour prompt cache, which costs more to write. */
  hour_cache: boolean;
};

/**
 * Parses a request body and checks it against the policy. Throws `invalid` where it is malformed, and `forbidden` for
 * a feature that is not allowed.
 */
export function readRequest(raw: Buffer): LlmRequest {
  const value = parseJson(raw);
  const { duplicate, span } = scan(raw, 'max_tokens');
  if (duplicate !== undefined) throw new ErrandError('invalid', `${duplicate}: the key appears twice in one object.`);
  const body = parse(Body, value, "The model request's body");
  for (const field of Object.keys(body)) if (!FIELDS.has(field)) refuse(`the field '${field}'`);
  for (const { type } of body.tools ?? [])
    if (!TOOLS.test(type ?? 'custom')) refuse(`the tool '${type ?? ''}', which runs outside the container`);

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

/** Replaces the value of `max_tokens` in the body, and changes no other byte. */
export function withMaxTokens(raw: Buffer, at: Span, max_tokens: number): Buffer {
  return Buffer.concat([raw.subarray(0, at.start), Buffer.from(String(max_tokens)), raw.subarray(at.end)]);
}

/** The images of a request so far. */
type Found = { images: number; image_bytes: number };

function checkContent(content: unknown, found: Found, depth: number): void {
  if (content === undefined || content === null || typeof content === 'string') return;
  if (depth > DEPTH_MAX) refuse('content nested this deeply');
  for (const block of parse(z.array(ContentBlock), content, "The model request's content")) {
    if (!BLOCK_TYPES.has(block.type)) refuse(`a block of type '${block.type}'`);
    if (block.source !== undefined && block.type !== 'search_result')
      checkSource(block.type, block.source, found, depth);
    if (block.type !== 'compaction') checkContent(block.content, found, depth + 1);
  }
}

function checkSource(block: string, value: unknown, found: Found, depth: number): void {
  const source = parse(Source, value, `The source of the ${block}`);
  if (!SOURCE_TYPES.has(source.type)) refuse(`a source of type '${source.type}'`);
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
    // The error below says it.
  }
  throw new ErrandError('invalid', 'The request body is not valid JSON.');
}

function refuse(what: string): never {
  throw new ErrandError('forbidden', `Tasks on this server may not use ${what}.`);
}
