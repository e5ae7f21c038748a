import type { BetaMessageParam, MessageCreateParams } from '@anthropic-ai/sdk/resources/beta/messages/messages';
import type { Effort } from '../../protocol/task.ts';
import type { ModelMessage, ToolSpec } from './message.ts';

export type ModelRequest = {
  model: string;
  effort: Effort;
  system: string;
  tools: readonly ToolSpec[];
  messages: ModelMessage[];
  /** Makes the API shorten the context now, as far as it can: the context was too long as it is. */
  shorten_context: boolean;
};

/** Of one answer. All models allow it; a large file in one call needs it. */
const MAX_TOKENS = 64_000;
const BETAS = ['context-management-2025-06-27', 'compact-2026-01-12'];
/** Replaces the API's own instructions, to which a model with tools may respond with a tool call. */
const COMPACTION = `Summarise the conversation so far, so that the work can go on from the summary alone. Do not call tools. \
Wrap it in <summary></summary> and give it these headings: Goal (the task in the person's own words, and every later message \
of theirs), Constraints, Done (files changed and why), In progress, Blocked, Decisions, Next steps, Critical facts (paths, \
commands, errors word for word).`;

/** The parameters of the API request: streaming aside, the same form for every model. */
export function toApiParams(request: ModelRequest): MessageCreateParams {
  const { model, effort, system, tools, messages, shorten_context } = request;
  return {
    model,
    max_tokens: MAX_TOKENS,
    system: [{ type: 'text', text: system, cache_control: { type: 'ephemeral' } }],
    tools: tools as MessageCreateParams['tools'] & object,
    messages: withCacheMark(messages) as BetaMessageParam[],
    thinking: { type: 'adaptive', display: 'summarized' },
    output_config: { effort },
    cache_control: { type: 'ephemeral' },
    context_management: {
      edits: [
        {
          type: 'clear_tool_uses_20250919',
          trigger: { type: 'input_tokens', value: shorten_context ? 20_000 : 100_000 },
          keep: { type: 'tool_uses', value: shorten_context ? 2 : 6 },
          // Each clearing writes the cache anew, so it must clear enough to be worth that.
          clear_at_least: { type: 'input_tokens', value: shorten_context ? 1_000 : 30_000 },
        },
        {
          type: 'compact_20260112',
          trigger: { type: 'input_tokens', value: shorten_context ? 50_000 : 160_000 },
          instructions: COMPACTION,
        },
      ],
    },
    betas: BETAS,
  };
}

/**
 * Marks where the previous request ended. The API finds a cached prefix only within 20 blocks before a mark, and a turn
 * with many tool calls has more than that.
 */
function withCacheMark(messages: ModelMessage[]): ModelMessage[] {
  const at = messages.findLastIndex(({ role }, i) => role === 'user' && i < messages.length - 1);
  return messages.map((message, i) => {
    if (i !== at) return message;
    const content = message.content.map((block, j) =>
      j === message.content.length - 1 ? { ...block, cache_control: { type: 'ephemeral' } } : block,
    );
    return { ...message, content };
  });
}
