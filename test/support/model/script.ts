import { randomBytes } from 'node:crypto';
import type { ModelMessage, MessageBlock, StopReason } from '../../../coordinator/demo/message-stream.ts';
import type { InputUsage } from './cache.ts';
import { effective, sign, tokensOf } from './conversation.ts';
import type { MessagesRequest } from './request.ts';
import { isOfGeneration55 } from './rules.ts';

/**
 * What goes wrong with one request. `status`: an error before the stream; `error_event`: one inside it; `cut`: the socket is destroyed;
 * `end`: the stream ends cleanly, but too early; `stall`: nothing more comes; `drip`: a pause before each event; `silence`: not even a head.
 */
export type Fault =
  | { fault: 'status'; status: number; type: string; message: string; headers?: Record<string, string> }
  | { fault: 'error_event'; type: string; message: string; after_events: number }
  | { fault: 'cut' | 'end' | 'stall'; at_byte: number }
  | { fault: 'drip'; pause_ms: number }
  | { fault: 'silence' };

/** The faults that the real API has, in its own words. */
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

/** What the model says in one answer. Without a `stop_reason` it is `tool_use` where there are tools, else `end_turn`. */
export type Turn = {
  /** Left out where the request has no thinking; its text is empty unless the request wants it `summarized`. */
  thinking?: string;
  text?: string;
  tools?: { name: string; input: Record<string, unknown> }[];
  stop_reason?: StopReason;
  /** Of the last tool's JSON only so many characters come: what `max_tokens` does to it. */
  input_chars?: number;
  refusal?: { category: string | null; explanation: string | null };
  /** The context was compacted to these words first; the request must have asked for it. */
  compaction?: string;
  /** What context editing did; the request must have asked for it. */
  applied_edits?: { type: string; [field: string]: unknown }[];
  /** In place of an estimate from the length of the text. */
  output_tokens?: number;
  fault?: Fault;
};

/** Whether an entry of a script is a fault by itself; a turn may have one besides. */
export function isFault(entry: Turn | Fault): entry is Fault {
  return typeof entry.fault === 'string';
}

/** The answer to this request that a turn of the script describes. Throws where the request did not ask for what the turn does. */
export function answerTo(request: MessagesRequest, turn: Turn, input: InputUsage): ModelMessage {
  const wanted = request.context_management?.edits?.map((edit) => edit.type) ?? [];
  for (const edit of turn.applied_edits ?? [])
    if (!wanted.some((type) => type === edit.type)) throw new Error(`The request did not ask for ${edit.type}.`);
  if (turn.compaction !== undefined && !wanted.includes('compact_20260112') && request.compaction === undefined)
    throw new Error('The request did not ask for a compaction.');

  const content = blocks(request, turn);
  const thinking_tokens = tokensOf(turn.thinking ?? '');
  const output_tokens =
    turn.output_tokens ?? content.reduce((sum, block) => sum + tokensOf(textOf(block)), thinking_tokens + 1);
  const own = { ...input, output_tokens };
  const compacted =
    turn.compaction === undefined
      ? null
      : [
          { type: 'compaction' as const, ...input, output_tokens: tokensOf(turn.compaction) },
          { type: 'message' as const, ...own },
        ];
  return {
    id: `msg_${randomBytes(12).toString('hex')}`,
    model: request.model,
    content,
    stop_reason: turn.stop_reason ?? defaultStop(turn),
    stop_details: turn.refusal ? { type: 'refusal', ...turn.refusal } : null,
    usage: { ...own, output_tokens_details: { thinking_tokens }, iterations: compacted },
    context_management: request.context_management === undefined ? null : { applied_edits: turn.applied_edits ?? [] },
  };
}

function defaultStop(turn: Turn): StopReason {
  if (turn.refusal) return 'refusal';
  if (turn.input_chars !== undefined) return 'max_tokens';
  if (turn.tools && turn.tools.length > 0) return 'tool_use';
  return turn.compaction !== undefined && turn.text === undefined ? 'compaction' : 'end_turn';
}

function blocks(request: MessagesRequest, turn: Turn): MessageBlock[] {
  const content: MessageBlock[] = [];
  if (turn.compaction !== undefined) content.push({ type: 'compaction', content: turn.compaction });
  if (turn.thinking !== undefined && thinks(request)) {
    const before = turn.compaction === undefined ? effective(request.messages) : [];
    const shown = request.thinking && 'display' in request.thinking && request.thinking.display === 'summarized';
    const thinking = shown ? turn.thinking : '';
    content.push({ type: 'thinking', thinking, signature: sign(thinking, request, before) });
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
