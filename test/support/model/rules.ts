import { invalid } from './api-error.ts';
import { checkDocuments } from './documents.ts';
import type { RequestBlock, CountRequest, Message, MessagesRequest } from './request.ts';

/** Fields that the API accepts only with their beta header. */
const BETAS: { field: string; used: (request: CountRequest) => boolean; headers: string[] }[] = [
  {
    field: 'context_management',
    used: (r) => r.context_management !== undefined,
    headers: ['context-management-2025-06-27', 'compact-2026-01-12'],
  },
  {
    field: 'context_management.edits.0.compact_20260112',
    used: (r) => hasEdit(r, 'compact_20260112'),
    headers: ['compact-2026-01-12'],
  },
  {
    field: 'context_management.edits.0.clear_tool_uses_20250919',
    used: (r) => hasEdit(r, 'clear_tool_uses_20250919') || hasEdit(r, 'clear_thinking_20251015'),
    headers: ['context-management-2025-06-27'],
  },
  {
    field: 'compaction',
    used: (r) => r.compaction !== undefined || r.messages.some(({ content }) => content.some(isSignedSummary)),
    headers: ['compact-2026-09-04'],
  },
  {
    field: 'thinking.adaptive.block_binding',
    used: (r) => r.thinking !== undefined && 'block_binding' in r.thinking && isSet(r.thinking.block_binding),
    headers: ['thinking-binding-controls-2026-08-01'],
  },
  {
    field: 'output_config.task_budget',
    used: (r) => r.output_config?.task_budget !== undefined,
    headers: ['task-budgets-2026-03-13'],
  },
  {
    field: 'mcp_servers',
    used: (r) => r.mcp_servers !== undefined,
    headers: ['mcp-client-2025-11-20', 'mcp-client-2026-09-15'],
  },
  {
    field: 'fallbacks',
    used: (r) => field(r, 'fallbacks') !== undefined,
    headers: ['server-side-fallback-2026-07-01'],
  },
  { field: 'thread', used: (r) => field(r, 'thread') !== undefined, headers: ['message-threads-2026-08-12'] },
];

/** Models that always think, whose thinking is bound to its conversation, and that refuse a forcing `tool_choice`. */
export const isOfGeneration55 = (model: string): boolean => /-5-[5-9]\b|fable-5-[1-9]|mythos-5-[1-9]/.test(model);
const takesNoBudget = (model: string): boolean => !/haiku-4-5|opus-4-[56]|sonnet-4-[56]/.test(model);

const isOfGeneration45 = (model: string): boolean => /-4-5(-\d{8})?$/.test(model);

/** Checks the rules between fields. Throws the API's 400 for the first violation. */
export function checkRequest(request: CountRequest, betas: string[]): void {
  for (const { field: path, used, headers } of BETAS)
    if (used(request) && !headers.some((header) => betas.includes(header)))
      throw invalid(`${path}: Extra inputs are not permitted`);
  checkCompaction(request);
  checkModelRules(request);
  checkGeneration45(request);
  checkTools(request);
  checkCacheControls(request);
  checkMessages(request.messages);
  checkDocuments(request.messages);
}

/**
 * Checks `max_tokens`. The limit is the same for all models. 0 fills the cache, and has no answer that could be shaped.
 */
export function checkMaxTokens(request: MessagesRequest): void {
  const { max_tokens, stream, thinking, tool_choice, output_config } = request;
  const shaped = {
    stream: stream === true,
    'thinking.type: enabled': thinking?.type === 'enabled',
    tool_choice: tool_choice?.type === 'any' || tool_choice?.type === 'tool',
    'output_config.format': output_config?.format !== undefined,
  };
  for (const [field, is_set] of Object.entries(shaped))
    if (max_tokens === 0 && is_set) throw invalid(`max_tokens: 0 is not allowed with ${field}`);
  if (request.max_tokens > 128_000)
    throw invalid(
      `max_tokens: ${request.max_tokens} > 128000, which is the maximum allowed number of output tokens for ${request.model}`,
    );
}

function checkGeneration45(request: CountRequest): void {
  if (!isOfGeneration45(request.model)) return;
  if (request.thinking?.type === 'adaptive') throw invalid(`adaptive thinking is not supported for ${request.model}`);
  if (request.output_config?.effort !== undefined) throw invalid(`output_config.effort is not supported here`);
  if (request.compaction !== undefined || hasEdit(request, 'compact_20260112'))
    throw invalid(`compaction is not supported for ${request.model}`);
}

function checkModelRules({ model, thinking, tool_choice, messages, compaction }: CountRequest): void {
  if (isOfGeneration55(model) && thinking?.type === 'disabled')
    throw invalid(`thinking.type: "disabled" is not supported for ${model}`);
  if (thinking?.type === 'enabled' && takesNoBudget(model))
    throw invalid(`thinking.type: "enabled" is not supported for ${model}. Use "adaptive" and output_config.effort.`);
  if (isOfGeneration55(model) && (tool_choice?.type === 'any' || tool_choice?.type === 'tool'))
    throw invalid(`tool_choice: type "${tool_choice.type}" is not supported for ${model}`);
  if (messages.at(-1)?.role === 'assistant' && compaction === undefined)
    throw invalid(
      'This model does not support assistant message prefill. The conversation must end with a user message.',
    );
}

function checkTools({ tools = [] }: CountRequest): void {
  const names = tools.map((tool) => tool.name);
  if (new Set(names).size !== names.length) throw invalid('tools: Tool names must be unique.');
  for (const [i, tool] of tools.entries())
    if ('input_schema' in tool && tool['strict'] === true && !closed(tool['input_schema']))
      throw invalid(`tools.${i}.custom: For 'object' type, 'additionalProperties' must be explicitly set to false`);
}

function checkCacheControls(request: CountRequest): void {
  const marked = [
    ...(request.tools ?? []),
    ...(Array.isArray(request.system) ? request.system : []),
    ...request.messages.flatMap((message) => message.content),
  ].filter((part) => 'cache_control' in part && part.cache_control !== undefined);
  const found = marked.length + (request.cache_control !== undefined ? 1 : 0);
  if (found > 4) throw invalid(`A maximum of 4 blocks with cache_control may be provided. Found ${found}.`);
  for (const part of marked)
    if ('text' in part && part.text === '') throw invalid('cache_control cannot be set for empty text blocks');
}

/** Checks the summaries that were asked for, which are signed and come first, alone in their message. */
function checkCompaction(request: CountRequest): void {
  const signed = request.messages.flatMap(({ content }, i) => (content.some(isSignedSummary) ? [i] : []));
  if (signed.some((i) => i !== 0 || request.messages[i]?.content.length !== 1))
    throw invalid(`messages.${signed.at(-1)}: a signed \`compaction\` block must come first, alone in its message`);
  if (signed.length > 0 && hasEdit(request, 'compact_20260112'))
    throw invalid('context_management: compact_20260112 cannot be combined with a signed `compaction` block');
  if (request.compaction === undefined) return;
  if (request.context_management !== undefined) throw invalid('compaction: cannot be combined with context_management');
  if (request.messages.every(({ role }) => role === 'user')) throw invalid('compaction: there is nothing to summarize');
}

const isSignedSummary = (block: RequestBlock): boolean =>
  block.type === 'compaction' && typeof block.signature === 'string';

function checkMessages(messages: Message[]): void {
  if (messages[0]?.role === 'assistant' && !messages[0].content.some(isSignedSummary))
    throw invalid('messages: first message must use the "user" role');
  const used = new Set<string>();
  for (const [i, message] of messages.entries()) {
    const where = `messages.${i}`;
    if (message.content.length === 0) throw invalid(`${where}: all messages must have non-empty content`);
    for (const [j, block] of message.content.entries()) checkBlock(block, message.role, `${where}.content.${j}`);
    const last = message.content.at(-1)?.type;
    if (message.role === 'assistant' && (last === 'thinking' || last === 'redacted_thinking'))
      throw invalid(`${where}: The final block in an assistant message cannot be \`thinking\`.`);
    for (const call of calls(message)) {
      if (used.has(call)) throw invalid(`${where}: \`tool_use\` ids must be unique`);
      used.add(call);
    }
    checkResults(message, messages[i - 1], where);
    const next = messages[i + 1];
    const unanswered = calls(message).filter((call) => !next || !results(next).includes(call));
    if (unanswered.length > 0)
      throw invalid(
        `${where}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${unanswered.join(', ')}. ` +
          'Each `tool_use` block must have a corresponding `tool_result` block in the next message.',
      );
  }
}

function checkBlock(block: RequestBlock, role: Message['role'], where: string): void {
  const misplaced = () => invalid(`${where}: \`${block.type}\` blocks are not permitted in ${role} messages`);
  switch (block.type) {
    case 'text':
      checkText(block.text);
      if (role === 'user' && (block.citations?.length ?? 0) > 0)
        throw invalid(`${where}.citations: citations are not permitted in user messages`);
      return;
    case 'tool_use':
      if (role !== 'assistant') throw misplaced();
      return;
    case 'thinking':
    case 'redacted_thinking':
    case 'compaction':
      if (role !== 'assistant') throw misplaced();
      return;
    case 'tool_result':
      if (role !== 'user') throw misplaced();
      if (block.is_error === true && (block.content === undefined || block.content.length === 0))
        throw invalid(`${where}: content cannot be empty if \`is_error\` is true`);
      if (Array.isArray(block.content))
        for (const part of block.content) if (part.type === 'text') checkText(part.text);
      return;
    case 'image':
    case 'document':
      if (role !== 'user') throw misplaced();
  }
}

/** White space is what Python calls so: it includes some control characters. */
function checkText(text: string): void {
  if (text === '') throw invalid('messages: text content blocks must be non-empty');
  if (/^[\s\p{Cc}]*$/u.test(text.replaceAll('\ufeff', 'x')))
    throw invalid('messages: text content blocks must contain non-whitespace text');
}

/** Checks that tool results come first in their message, and answer each call of the message before once. */
function checkResults(message: Message, before: Message | undefined, where: string): void {
  const answered = results(message);
  const asked = before ? calls(before) : [];
  for (const result of answered)
    if (!asked.includes(result))
      throw invalid(
        `${where}.content.0: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${result}. ` +
          'Each `tool_result` block must have a corresponding `tool_use` block in the previous message.',
      );
  if (new Set(answered).size !== answered.length)
    throw invalid(
      `${where}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with the same id.`,
    );
  const firstOther = message.content.findIndex((block) => block.type !== 'tool_result');
  if (firstOther !== -1 && message.content.slice(firstOther).some((block) => block.type === 'tool_result'))
    throw invalid(
      `${where}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${asked.join(', ')}. ` +
        'tool_result blocks must come first in the content.',
    );
}

const calls = (message: Message) => message.content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []));
const results = (message: Message) =>
  message.content.flatMap((block) => (block.type === 'tool_result' ? [block.tool_use_id] : []));

const isSet = (value: unknown): boolean => value !== undefined && value !== null;

const hasEdit = (request: CountRequest, type: string): boolean =>
  request.context_management?.edits?.some((edit) => edit.type === type) ?? false;

/** A field that only one of the two endpoints has. */
function field(request: CountRequest, name: string): unknown {
  return Object.entries(request).find(([key, value]) => key === name && value !== null)?.[1];
}

function closed(schema: unknown): boolean {
  return typeof schema === 'object' && schema !== null && 'additionalProperties' in schema
    ? schema.additionalProperties === false
    : false;
}
