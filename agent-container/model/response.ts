import type { BetaMessage } from '@anthropic-ai/sdk/resources/beta/messages/messages';
import { z } from 'zod';
import type { TurnUsage } from '../../protocol/events.ts';
import { BUDGET_HEADER, BUDGET_RESERVED_HEADER } from '../../protocol/budget-headers.ts';

/** As the contract bounds the names in an event. */
const NAME_CHARS_MAX = 200;

type ContextReduction = { means: 'clear_tool_uses' | 'compact'; detail: string };

export type ModelResponse = {
  model: string;
  /** As the API sent it: see `validAnswer`. */
  content: readonly unknown[];
  stop_reason: string | null;
  /** After a refusal: the API's explanation. */
  refusal: string | null;
  usage: z.infer<typeof TurnUsage>;
  request_id: string | null;
  /** How the API shortened the context. */
  reductions: ContextReduction[];
  /** What the task's budget had left before this request, in US dollars; null if the coordinator did not say. */
  budget_left_usd: number | null;
  /** How much of that was reserved for this request's prompt and the task's other requests, in US dollars. */
  budget_reserved_usd: number;
};

/** Reads the message that the SDK assembled from the stream, and the headers of its response. */
export function toModelResponse(message: BetaMessage, headers: Headers): ModelResponse {
  const budget_left_usd = Number.parseFloat(headers.get(BUDGET_HEADER) ?? '');
  const budget_reserved_usd = Number.parseFloat(headers.get(BUDGET_RESERVED_HEADER) ?? '');
  const details = message.stop_details;
  return {
    model: message.model.slice(0, NAME_CHARS_MAX),
    // The SDK keeps the text of a call's input in a hidden field of its block.
    content: z.array(z.unknown()).parse(JSON.parse(JSON.stringify(message.content))),
    stop_reason: message.stop_reason,
    refusal: details?.type === 'refusal' ? (details.explanation ?? details.category ?? null) : null,
    usage: usageOf(message),
    request_id: headers.get('request-id')?.slice(0, NAME_CHARS_MAX) ?? null,
    reductions: reductionsOf(message),
    budget_left_usd: Number.isFinite(budget_left_usd) ? budget_left_usd : null,
    budget_reserved_usd: Number.isFinite(budget_reserved_usd) ? budget_reserved_usd : 0,
  };
}

/** The message's own usage does not include what its compaction cost. */
function usageOf({ usage }: BetaMessage): ModelResponse['usage'] {
  const parts = [usage, ...(usage.iterations ?? []).filter(({ type }) => type === 'compaction')];
  const sum = (count: (part: (typeof parts)[number]) => number | null | undefined) =>
    parts.reduce((total, part) => total + tokens(count(part)), 0);
  return {
    input_tokens: sum((part) => part.input_tokens),
    cache_write_tokens: sum((part) => part.cache_creation_input_tokens),
    cache_read_tokens: sum((part) => part.cache_read_input_tokens),
    output_tokens: sum((part) => part.output_tokens),
  };
}

/** An event takes whole numbers only. */
const tokens = (count: number | null | undefined): number =>
  typeof count === 'number' && Number.isFinite(count) ? Math.max(0, Math.trunc(count)) : 0;

function reductionsOf({ content, context_management }: BetaMessage): ContextReduction[] {
  const cleared = (context_management?.applied_edits ?? []).flatMap((edit): ContextReduction[] => {
    if (edit.type !== 'clear_tool_uses_20250919') return [];
    const detail = `${edit.cleared_tool_uses} old tool results left out, ${edit.cleared_input_tokens} tokens`;
    return [{ means: 'clear_tool_uses', detail }];
  });
  const compacted = content.flatMap((block): ContextReduction[] =>
    block.type === 'compaction' ? [{ means: 'compact', detail: block.content ?? 'the API gave no summary' }] : [],
  );
  return [...cleared, ...compacted];
}
