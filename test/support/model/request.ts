import { z } from 'zod';
import { invalid } from './api-error.ts';

/* The schema of a request. Unknown fields are refused. Rules between fields and messages are in `./rules.ts`. */

/** For fields where the API treats null as absent. */
const maybe = <T extends z.ZodType>(schema: T) => schema.nullish().transform((value) => value ?? undefined);

const CacheControl = z.strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() });
export type CacheControl = z.infer<typeof CacheControl>;
const cache_control = maybe(CacheControl);
const name = z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/, "String should match pattern '^[a-zA-Z0-9_-]{1,128}$'");
const id = z.string().regex(/^[a-zA-Z0-9_-]+$/, "String should match pattern '^[a-zA-Z0-9_-]+$'");

const Text = z.strictObject({
  type: z.literal('text'),
  text: z.string(),
  citations: z.array(z.unknown()).nullish(),
  cache_control,
});
const Image = z.strictObject({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('base64'),
      media_type: z.enum(['image/jpeg', 'image/png', 'image/gif', 'image/webp']),
      data: z.base64().min(1),
    }),
    z.strictObject({ type: z.literal('url'), url: z.url() }),
    z.strictObject({ type: z.literal('file'), file_id: z.string() }),
  ]),
  cache_control,
});
const Document = z.looseObject({
  type: z.literal('document'),
  source: z.discriminatedUnion('type', [
    z.strictObject({ type: z.literal('base64'), media_type: z.literal('application/pdf'), data: z.base64().min(1) }),
    z.strictObject({ type: z.literal('text'), media_type: z.literal('text/plain'), data: z.string().min(1) }),
  ]),
  cache_control,
});
const ToolUse = z.strictObject({
  type: z.literal('tool_use'),
  id,
  name,
  input: z.record(z.string(), z.unknown()),
  caller: z.looseObject({ type: z.string() }).nullish(),
  cache_control,
});
const ToolResult = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: id,
  content: z.union([z.string(), z.array(z.discriminatedUnion('type', [Text, Image, Document]))]).optional(),
  is_error: z.boolean().nullish(),
  cache_control,
});
const Thinking = z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string() });
const RedactedThinking = z.strictObject({ type: z.literal('redacted_thinking'), data: z.string().min(1) });
const Compaction = z.strictObject({
  type: z.literal('compaction'),
  content: z.string().nullable(),
  encrypted_content: z.string().nullish(),
  signature: z.string().nullish(),
  tool_changes: z.array(z.unknown()).nullish(),
  cache_control,
});

const RequestBlock = z.discriminatedUnion('type', [
  Text,
  Image,
  Document,
  ToolUse,
  ToolResult,
  Thinking,
  RedactedThinking,
  Compaction,
]);
export type RequestBlock = z.infer<typeof RequestBlock>;

const Content = z.union([z.string(), z.array(RequestBlock)]).transform((content): RequestBlock[] => {
  return typeof content === 'string' ? [{ type: 'text', text: content, cache_control: undefined }] : content;
});
const Message = z.strictObject({ role: z.enum(['user', 'assistant', 'system']), content: Content });
export type Message = z.infer<typeof Message>;

const Tool = z.strictObject({
  type: z.literal('custom').nullish(),
  name,
  description: z.string().optional(),
  input_schema: z.looseObject({ type: z.literal('object'), additionalProperties: z.unknown().optional() }),
  strict: z.boolean().optional(),
  eager_input_streaming: z.boolean().nullish(),
  defer_loading: z.boolean().optional(),
  input_examples: z.array(z.record(z.string(), z.unknown())).optional(),
  allowed_callers: z.array(z.string()).optional(),
  cache_control,
});
/** Anthropic's own tools have a dated type. They are accepted and never called. */
const ServerTool = z.looseObject({ type: z.string().regex(/_\d{8}$/), name: z.string().optional(), cache_control });

const tokens = z.looseObject({ type: z.string(), value: z.number().int().positive() });
const Edit = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('clear_tool_uses_20250919'),
    trigger: tokens.nullish(),
    keep: z.looseObject({ type: z.literal('tool_uses'), value: z.number().int().nonnegative() }).nullish(),
    clear_at_least: tokens.nullish(),
    exclude_tools: z.array(z.string()).nullish(),
    clear_tool_inputs: z.union([z.boolean(), z.array(z.string())]).nullish(),
  }),
  z.strictObject({ type: z.literal('clear_thinking_20251015'), keep: z.unknown().optional() }),
  z.strictObject({
    type: z.literal('compact_20260112'),
    trigger: z.strictObject({ type: z.literal('input_tokens'), value: z.number().int().min(50_000) }).nullish(),
    pause_after_compaction: z.boolean().optional(),
    instructions: z.string().nullish(),
  }),
]);

const block_binding = z.strictObject({ prefix_mismatch_behavior: z.enum(['error', 'drop_block']).nullish() }).nullish();
const display = z.enum(['summarized', 'omitted', 'updates']).nullish();
const Thought = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('adaptive'), display, block_binding }),
  z.strictObject({ type: z.literal('enabled'), budget_tokens: z.number().int().min(1024), display, block_binding }),
  z.strictObject({ type: z.literal('disabled') }),
  z.strictObject({ type: z.literal('between_tools') }),
]);

const parallel = z.boolean().optional();
const ToolChoice = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('auto'), disable_parallel_tool_use: parallel }),
  z.strictObject({ type: z.literal('any'), disable_parallel_tool_use: parallel }),
  z.strictObject({ type: z.literal('tool'), name, disable_parallel_tool_use: parallel }),
  z.strictObject({ type: z.literal('none') }),
]);

/** The body of `POST /v1/messages/count_tokens`. */
export const CountRequest = z.strictObject({
  model: z.string().min(1),
  messages: z.array(Message).min(1, 'at least one message is required'),
  system: z.union([z.string(), z.array(Text)]).optional(),
  tools: z.array(z.union([Tool, ServerTool])).optional(),
  tool_choice: ToolChoice.optional(),
  thinking: Thought.optional(),
  cache_control,
  context_management: maybe(z.strictObject({ edits: z.array(Edit).optional() })),
  compaction: maybe(z.strictObject({ type: z.literal('summarize'), instructions: z.string().nullish() })),
  output_config: z
    .strictObject({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      format: z.looseObject({ type: z.literal('json_schema') }).nullish(),
      task_budget: maybe(
        z.strictObject({
          type: z.literal('tokens'),
          total: z.number().int().min(20_000),
          remaining: z.number().int().nullish(),
        }),
      ),
    })
    .optional(),
  mcp_servers: z.array(z.unknown()).optional(),
  speed: z.enum(['standard', 'fast']).nullish(),
});

/** The body of `POST /v1/messages`. */
export const MessagesRequest = z.strictObject({
  ...CountRequest.shape,
  max_tokens: z.number().int().nonnegative(),
  stream: z.boolean().optional(),
  stop_sequences: z.array(z.string()).optional(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  service_tier: z.enum(['auto', 'standard_only']).optional(),
  inference_geo: z.string().nullish(),
  container: z.unknown().optional(),
  diagnostics: z.unknown().optional(),
  fallbacks: z.unknown().optional(),
  thread: z.unknown().optional(),
});
export type MessagesRequest = z.infer<typeof MessagesRequest>;
export type CountRequest = z.infer<typeof CountRequest>;

/** Parses a request. Throws the API's 400 with the path of the first fault. */
export function read<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  throw invalid(describe(result.error.issues, []));
}

type Issue = z.core.$ZodIssue;

function describe(issues: readonly Issue[], base: PropertyKey[]): string {
  const issue = issues[0];
  if (!issue) return 'The request is not valid.';
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys')
    return `${[...path, issue.keys[0]].join('.')}: Extra inputs are not permitted`;
  if (issue.code === 'invalid_union') {
    // The branch that matched deepest is most likely the intended one.
    const branches = issue.errors.toSorted((a, b) => depth(b) - depth(a));
    if (branches[0]) return describe(branches[0], path);
  }
  const missing = issue.code === 'invalid_type' && issue.message.includes('received undefined');
  return `${path.join('.')}: ${missing ? 'Field required' : issue.message}`;
}

function depth(issues: readonly Issue[]): number {
  return Math.max(...issues.map((issue) => issue.path.length + (issue.code === 'unrecognized_keys' ? 1 : 0)));
}
