import { z } from 'zod';
import { shapeOf } from '../../../protocol/json-shape.ts';
import { parseJson } from '../../base/json-body.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError, parse } from '../../../protocol/problem.ts';

/** No model has a longer name. */
const MODEL_CHARS_MAX = 200;
/** Deeper content is refused: no agent needs it. */
const DEPTH_MAX = 5;
const SHAPE = shapeOf(LIMITS.llm_body_nodes_max);

/** A lifetime that is not known here could have a price that is not known either. */
const cache_control = z.looseObject({ ttl: z.enum(['5m', '1h']).nullish() }).nullish();
const ContentBlock = z.looseObject({
  type: z.string(),
  source: z.unknown().optional(),
  content: z.unknown().optional(),
  cache_control,
});
export type ContentBlock = z.infer<typeof ContentBlock>;
const Source = z.looseObject({ type: z.string(), data: z.string().optional(), content: z.unknown().optional() });
export type Source = z.infer<typeof Source>;
const Content = z.union([z.string(), z.array(ContentBlock)]);
const Message = z.looseObject({ role: z.string().optional(), content: Content.nullish() });
export type Message = z.infer<typeof Message>;
const Edit = z.looseObject({ type: z.string(), trigger: z.looseObject({ value: z.number().optional() }).nullish() });

const Body = z.looseObject({
  model: z.string().max(MODEL_CHARS_MAX),
  max_tokens: z.number().int().nonnegative().optional(),
  stream: z.boolean().optional(),
  system: Content.optional(),
  messages: z.array(Message),
  tools: z.array(z.looseObject({ type: z.string().nullish(), cache_control })).optional(),
  cache_control,
  output_config: z.looseObject({ effort: z.unknown() }).nullish(),
  context_management: z.looseObject({ edits: z.array(Edit).nullish() }).nullish(),
});
/** The body of a request to the Claude API, as far as the proxy must understand it. */
export type RequestBody = z.infer<typeof Body>;

/** Parses a request body. Throws `invalid` where it is malformed. */
export function parseBody(raw: Buffer): RequestBody {
  return parse(Body, parseJson(raw, SHAPE), "The model request's body");
}

/**
 * All blocks of a content, also those inside of tool results and documents, each with its source. Throws `invalid`
 * where one is malformed, and `forbidden` where they are nested too deeply.
 */
export function* allBlocks(content: unknown, depth = 0): Generator<{ block: ContentBlock; source?: Source }> {
  if (content === undefined || content === null || typeof content === 'string') return;
  if (depth > DEPTH_MAX)
    throw new ErrandError('forbidden', 'Tasks on this server may not use content nested this deeply.');
  for (const block of parse(z.array(ContentBlock), content, "The model request's content")) {
    // The source of a search result is a text, and the content of a compaction is its summary.
    const has_source = block.source !== undefined && block.type !== 'search_result';
    const source = has_source ? parse(Source, block.source, `The source of the ${block.type}`) : undefined;
    yield source ? { block, source } : { block };
    if (source) yield* allBlocks(source.content, depth + 1);
    if (block.type !== 'compaction') yield* allBlocks(block.content, depth + 1);
  }
}
