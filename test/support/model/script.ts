import { randomBytes } from 'node:crypto';
import type { ModelMessage, MessageBlock, StopReason } from '../../../coordinator/demo/message-stream.ts';
import type { InputUsage } from './cache.ts';
import { digestOf, sign, signSummary, tokensOf } from './conversation.ts';
import type { MessagesRequest } from './request.ts';
import { isOfGeneration55 } from './rules.ts';

/**
 * A fault of one request. `status`: an error before the stream; `error_event`: one inside it; `cut`: the socket is
 * destroyed; `end`: the stream ends cleanly, but too early; `stall`: the stream stops; `drip`: a pause before each
 * event; `silence`: no response head.
 */
export type Fault =
  | { fault: 'status'; status: number; type: string; message: string; headers?: Record<string, string> }
  | { fault: 'error_event'; type: string; message: string; after_events: number }
  | { fault: 'cut' | 'end' | 'stall'; at_byte: number }
  | { fault: 'drip'; pause_ms: number }
  | { fault: 'silence' };

/** The faults of the real API, with its messages. */
export const faults = {
  rateLimited: (retry_after_s: number): Fault => ({
    fault: 'status',
    status: 429,
    type: 'rate_limit_error',
    message: "This request would exceed your organization's rate limit.",
    headers: { 'retry-after': String(retry_after_s) },
  }),
  overloaded: (): Fault => ({ fault: 'status', status: 529, type: 'overloaded_error', message: 'Overloaded' }),
  serverError: (): Fault => ({ fault: 'status', status: 500, type: 'api_error', message: 'Internal server error' }),
  promptTooLong: (tokens: number, max: number): Fault => ({
    fault: 'status',
    status: 400,
    type: 'invalid_request_error',
    message: `prompt is too long: ${tokens} tokens > ${max} maximum`,
  }),
  overloadedMidStream: (after_events = 4): Fault => ({
    fault: 'error_event',
    type: 'overloaded_error',
    message: 'Overloaded',
    after_events,
  }),
} as const;

/** One response of the model. The default `stop_reason` is `tool_use` if there are tools, otherwise `end_turn`. */
export type Turn = {
  /** Omitted if the request has no thinking; its text is empty unless the request asks for `summarized`. */
  thinking?: string;
  text?: string;
  tools?: { name: string; input: Record<string, unknown> }[];
  stop_reason?: StopReason;
  /** Blocks that are sent as they are after the others, whatever they hold; and any stop reason. */
  raw?: { blocks: readonly unknown[]; stop_reason?: string };
  /** Cuts the last tool's JSON to this length, as `max_tokens` does. */
  input_chars?: number;
  refusal?: { category: string | null; explanation: string | null };
  /** The context is compacted to this text first; the request must have asked for it. */
  compaction?: string;
  /** The edits that context editing applied; the request must have asked for them. */
  applied_edits?: { type: string; [field: string]: unknown }[];
  /** Default: an estimate from the length of the text. */
  output_tokens?: number;
  fault?: Fault;
};

/** Whether an entry of a script is only a fault. A turn may also contain one. */
export function isFault(entry: Turn | Fault): entry is Fault {
  return typeof entry.fault === 'string';
}

/** The response to this request that a turn describes. Throws if the request did not ask for what the turn contains. */
export function responseTo(request: MessagesRequest, turn: Turn, input: InputUsage): ModelMessage {
  const wanted = request.context_management?.edits?.map((edit) => edit.type) ?? [];
  for (const edit of turn.applied_edits ?? [])
    if (!wanted.some((type) => type === edit.type)) throw new Error(`The request did not ask for ${edit.type}.`);
  if (turn.compaction !== undefined && !wanted.includes('compact_20260112') && request.compaction === undefined)
    throw new Error('The request did not ask for a compaction.');

  const content = blocks(request, turn);
  const thinking_tokens = tokensOf(turn.thinking ?? '');
  const output_tokens =
    turn.output_tokens ?? content.reduce((sum, block) => sum + tokensOf(textOf(block)), thinking_tokens + 1);
  // A request for a summary alone has no other usage than the summary's.
  const own = request.compaction === undefined ? { ...input, output_tokens } : NO_TOKENS;
  const summary = { type: 'compaction' as const, ...input, output_tokens: tokensOf(turn.compaction ?? '') };
  const message = request.compaction === undefined ? [{ type: 'message' as const, ...own }] : [];
  const compacted = turn.compaction === undefined && message.length > 0 ? null : [summary, ...message];
  return {
    id: `msg_${randomBytes(12).toString('hex')}`,
    model: request.model,
    content,
    stop_reason: turn.stop_reason ?? defaultStop(request, turn),
    stop_details: turn.refusal ? { type: 'refusal', ...turn.refusal } : null,
    usage: { ...own, output_tokens_details: { thinking_tokens }, iterations: compacted },
    context_management: request.context_management === undefined ? null : { applied_edits: turn.applied_edits ?? [] },
  };
}

const NO_TOKENS = {
  input_tokens: 0,
  cache_read_input_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
  output_tokens: 0,
};

function defaultStop(request: MessagesRequest, turn: Turn): StopReason {
  if (request.compaction !== undefined) return 'compaction';
  if (turn.refusal) return 'refusal';
  if (turn.input_chars !== undefined) return 'max_tokens';
  if (turn.tools && turn.tools.length > 0) return 'tool_use';
  return turn.compaction !== undefined && turn.text === undefined ? 'compaction' : 'end_turn';
}

function blocks(request: MessagesRequest, turn: Turn): MessageBlock[] {
  const content: MessageBlock[] = [];
  if (request.compaction !== undefined) {
    const summary = turn.compaction ?? null;
    const signature = signSummary(summary ?? '', digestOf(request));
    return [{ type: 'compaction', content: summary, signature }];
  }
  if (turn.compaction !== undefined) content.push({ type: 'compaction', content: turn.compaction });
  if (turn.thinking !== undefined && thinks(request)) {
    const before = turn.compaction === undefined ? request : { ...request, messages: [] };
    const shown = request.thinking && 'display' in request.thinking && request.thinking.display === 'summarized';
    const thinking = shown ? turn.thinking : '';
    content.push({ type: 'thinking', thinking, signature: sign(thinking, digestOf(before)) });
  }
  if (turn.text !== undefined) content.push({ type: 'text', text: turn.text });
  const tools = turn.tools ?? [];
  for (const [i, { name, input }] of tools.entries()) {
    const json = JSON.stringify(input);
    const input_json = i === tools.length - 1 ? json.slice(0, turn.input_chars) : json;
    content.push({ type: 'tool_use', id: `toolu_${randomBytes(12).toString('hex')}`, name, input_json });
  }
  return content;
}

function thinks(request: MessagesRequest): boolean {
  return isOfGeneration55(request.model) || (request.thinking !== undefined && request.thinking.type !== 'disabled');
}

function textOf(block: MessageBlock): string {
  switch (block.type) {
    case 'text':
      return block.text;
    case 'tool_use':
      return block.name + block.input_json;
    case 'thinking':
    case 'compaction':
      return '';
  }
}
