import type {
  BetaCacheControlEphemeral,
  BetaContextManagementConfig,
  BetaMessageParam,
  MessageCreateParams,
} from '@anthropic-ai/sdk/resources/beta/messages/messages';
import type { Effort } from '../../protocol/task.ts';
import type { ModelMessage, ToolSpec } from './message.ts';

/** How the API is to shorten the conversation of a request. */
export type Shortening = {
  /**
   * Which results of tools the API leaves out: all but the newest where the context was too long, all if too expensive.
   */
  shorten_context: 'no' | 'old_results' | 'all_results';
  /** Whether the API is to summarise a long conversation by itself: it could not be asked for a summary. */
  api_summarises: boolean;
};

export type ModelRequest = Shortening & {
  model: string;
  effort: Effort;
  system: string;
  tools: readonly ToolSpec[];
  messages: ModelMessage[];
  /**
   * `answer`: the model's next turn. `summary`: nothing but a summary of the conversation. `cache`: no answer at all;
   * the conversation stays in the API's cache for an hour.
   */
  purpose: 'answer' | 'summary' | 'cache';
};

/** Of one answer. All models allow it; a large file in one call needs it. */
const MAX_TOKENS = { answer: 64_000, summary: 32_000, cache: 0 };
/** From which length on a conversation is too long to be worth its price, and is summarised. */
const SUMMARY_AT_TOKENS = 160_000;
/** The models whose prompts cost five times as much above 100,000 tokens, and the length for them. */
const DEARER_ABOVE_100K = /^claude-haiku-5-5\b/;
const SUMMARY_AT_TOKENS_DEARER = 95_000;
/** From which length on old results are left out, where the context must be shorter. */
export const CLEAR_FROM_TOKENS = 10_000;
/** Models of generation 4.5 know neither adaptive thinking and effort nor summaries by the API. */
const GENERATION_4_5 = /-4-5(-\d{8})?$/;
/** Replaces the API's own instructions, to which a model with tools may respond with a tool call. */
const COMPACTION = `Summarise the conversation so far, so that the work can go on from the summary alone. Do not call tools. \
Wrap it in <summary></summary> and give it these headings: Goal (the task in the person's own words, and every later message \
of theirs), Constraints, Done (files changed and why), In progress, Blocked, Decisions, Next steps, Critical facts (paths, \
commands, errors word for word).`;

/** A block that no longer fits its conversation is left out by the API, in place of an error. */
const THINKING = {
  type: 'adaptive',
  display: 'summarized',
  block_binding: { prefix_mismatch_behavior: 'drop_block' },
} as const;

/** From which length on a conversation with this model is summarised. */
export function summaryAtTokens(model: string): number {
  return DEARER_ABOVE_100K.test(model) ? SUMMARY_AT_TOKENS_DEARER : SUMMARY_AT_TOKENS;
}

/** The parameters of the API request: streaming aside, the same form for every model. */
export function toApiParams(request: ModelRequest): MessageCreateParams {
  const { model, effort, system, tools, messages, purpose } = request;
  const edits = purpose === 'summary' ? [] : editsFor(request);
  const cache_control: BetaCacheControlEphemeral = { type: 'ephemeral', ...(purpose === 'cache' && { ttl: '1h' }) };
  return {
    model,
    max_tokens: MAX_TOKENS[purpose],
    system: [{ type: 'text', text: system, cache_control }],
    tools: tools as MessageCreateParams['tools'] & object,
    messages: withCacheMark(messages, purpose, cache_control) as BetaMessageParam[],
    ...(!GENERATION_4_5.test(model) && { thinking: THINKING, output_config: { effort } }),
    ...(purpose !== 'cache' && { cache_control }),
    ...(edits.length > 0 && { context_management: { edits } }),
    ...(purpose === 'summary' && { compaction: { type: 'summarize' as const, instructions: COMPACTION } }),
    betas: betasFor(request, edits),
  };
}

type Edits = BetaContextManagementConfig['edits'] & object;

/**
 * What the API may leave out by itself. Old results are cleared only where the context is too long otherwise, since
 * that writes the cache anew. It takes no edit that summarises beside a summary that it was asked for.
 */
function editsFor({ model, messages, shorten_context, api_summarises }: ModelRequest): Edits {
  const summary = summaryIn(messages);
  const is_shortened = shorten_context !== 'no';
  // Where all results are left out, the budget pays for no summary: the API reads the conversation twice for one.
  const may_need_summary = shorten_context === 'old_results' || (api_summarises && shorten_context === 'no');
  const may_summarise = summary === 'none' && may_need_summary && !GENERATION_4_5.test(model);
  const summarises = summary === 'own' || may_summarise;
  return [
    ...(is_shortened
      ? [
          {
            type: 'clear_tool_uses_20250919' as const,
            trigger: { type: 'input_tokens' as const, value: CLEAR_FROM_TOKENS },
            keep: { type: 'tool_uses' as const, value: shorten_context === 'all_results' ? 0 : 2 },
            clear_at_least: { type: 'input_tokens' as const, value: 1_000 },
          },
        ]
      : []),
    ...(summarises
      ? [
          {
            type: 'compact_20260112' as const,
            trigger: { type: 'input_tokens' as const, value: is_shortened ? 50_000 : summaryAtTokens(model) },
            instructions: COMPACTION,
          },
        ]
      : []),
  ];
}

/** Both kinds of summary need their own beta, and the API must know which of them a block is. */
function betasFor({ model, messages, purpose }: ModelRequest, edits: Edits): string[] {
  const is_asked = purpose === 'summary' || summaryIn(messages) === 'asked';
  return [
    ...(GENERATION_4_5.test(model) ? [] : ['thinking-binding-controls-2026-08-01']),
    ...(edits.length > 0 ? ['context-management-2025-06-27'] : []),
    ...(edits.some(({ type }) => type === 'compact_20260112') ? ['compact-2026-01-12'] : []),
    ...(is_asked ? ['compact-2026-09-04'] : []),
  ];
}

/** The kind of summary that a conversation has: one that the API was asked for comes first; one of its own, inside. */
export function summaryIn(messages: ModelMessage[]): 'none' | 'asked' | 'own' {
  if (messages[0]?.role === 'assistant') return 'asked';
  return messages.some(({ content }) => content.some(({ type }) => type === 'compaction')) ? 'own' : 'none';
}

/**
 * Marks where the previous request ended. The API finds a cached prefix only within 20 blocks before a mark, and a
 * turn with many tool calls has more than that. A request for the cache alone marks the newest answer: what follows
 * it is not known yet.
 */
function withCacheMark(
  messages: ModelMessage[],
  purpose: ModelRequest['purpose'],
  cache_control: BetaCacheControlEphemeral,
): ModelMessage[] {
  const marked = purpose === 'cache' ? 'assistant' : 'user';
  const at = messages.findLastIndex(({ role }, i) => role === marked && i < messages.length - 1);
  return messages.map((message, i) => {
    if (i !== at) return message;
    const content = message.content.map((block, j) =>
      j === message.content.length - 1 ? { ...block, cache_control } : block,
    );
    return { ...message, content };
  });
}
