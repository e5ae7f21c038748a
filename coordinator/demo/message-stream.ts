/*
 * A response of the Messages API in its wire format. Both the demo model and the tests' model server use it, so that
 * both reproduce the details of the real stream: an opening ping, an empty first `partial_json`, JSON padded with
 * spaces, cumulative usage in `message_delta`.
 */

export type StopReason =
  'end_turn' | 'max_tokens' | 'tool_use' | 'pause_turn' | 'refusal' | 'model_context_window_exceeded' | 'compaction';

/** A content block. `input_json` is the text of a tool's input; it is incomplete if the response was cut off. */
export type MessageBlock =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'tool_use'; id: string; name: string; input_json: string }
  | { type: 'compaction'; content: string | null; signature?: string };

type Tokens = {
  input_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
  cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number };
  output_tokens: number;
};

/** Tokens as the API counts them: `input_tokens` excludes cache writes and reads. */
type MessageUsage = Tokens & {
  output_tokens_details: { thinking_tokens: number };
  /** The cost of a compaction comes on top of the other fields. */
  iterations: (Tokens & { type: 'message' | 'compaction' })[] | null;
};

export type ModelMessage = {
  id: string;
  model: string;
  content: MessageBlock[];
  stop_reason: StopReason;
  stop_details: { type: 'refusal'; category: string | null; explanation: string | null } | null;
  usage: MessageUsage;
  /** The edits that context editing applied; null if the request did not ask for it. */
  context_management: { applied_edits: object[] } | null;
};

type StreamEvent = { type: string; [field: string]: unknown };

/** The JSON body for `stream: false`. */
export function toMessage(message: ModelMessage): object {
  const content = message.content.map((block) => {
    switch (block.type) {
      case 'text':
        return { ...block, citations: null };
      case 'tool_use': {
        const { id, name } = block;
        return { type: 'tool_use', id, name, input: JSON.parse(block.input_json) as unknown, caller: CALLER };
      }
      case 'compaction':
        return { ...block, encrypted_content: null };
      case 'thinking':
        return block;
    }
  });
  const { stop_reason, stop_details, usage, context_management } = message;
  return { ...envelope(message), content, stop_reason, stop_details, usage: asUsage(usage), context_management };
}

/** The server-sent events of the stream, each a complete `event:`/`data:` frame. Text is split every `piece_chars`. */
export function* toStream(message: ModelMessage, piece_chars: number): Generator<string> {
  const { usage } = message;
  const atStart = { ...asUsage(usage), output_tokens: 1, output_tokens_details: null, iterations: null };
  yield frame({ type: 'message_start', message: { ...envelope(message), usage: atStart } });
  for (const [index, block] of message.content.entries()) {
    yield frame({ type: 'content_block_start', index, content_block: opening(block) });
    if (index === 0) yield frame({ type: 'ping' });
    for (const delta of deltas(block, piece_chars)) yield frame({ type: 'content_block_delta', index, delta });
    yield frame({ type: 'content_block_stop', index });
  }
  const { cache_creation: _, ...cumulative } = usage;
  yield frame({
    type: 'message_delta',
    delta: {
      stop_reason: message.stop_reason,
      stop_sequence: null,
      stop_details: message.stop_details,
      container: null,
    },
    usage: { ...cumulative, server_tool_use: null },
    context_management: message.context_management,
  });
  yield frame({ type: 'message_stop' });
}

/** One frame of the stream. The real API pads the JSON with a varying number of spaces before the last brace. */
function frame(event: StreamEvent): string {
  const json = JSON.stringify(event);
  return `event: ${event.type}\ndata: ${json.slice(0, -1)}${' '.repeat(json.length % 11)}}\n\n`;
}

const CALLER = { type: 'direct' };

function envelope(message: ModelMessage) {
  return {
    id: message.id,
    type: 'message',
    role: 'assistant',
    model: message.model,
    content: [],
    container: null,
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    context_management: null,
  };
}

function asUsage(usage: MessageUsage) {
  return { ...usage, server_tool_use: null, service_tier: 'standard', inference_geo: 'not_available', speed: null };
}

function opening(block: MessageBlock): object {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: '', citations: null };
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' };
    case 'tool_use':
      return { type: 'tool_use', id: block.id, name: block.name, input: {}, caller: CALLER };
    case 'compaction':
      return { ...block, content: null, encrypted_content: null };
  }
}

function* deltas(block: MessageBlock, piece_chars: number): Generator<object> {
  switch (block.type) {
    case 'text':
      for (const text of pieces(block.text, piece_chars)) yield { type: 'text_delta', text };
      return;
    case 'thinking':
      for (const thinking of pieces(block.thinking, piece_chars)) yield { type: 'thinking_delta', thinking };
      yield { type: 'signature_delta', signature: block.signature };
      return;
    case 'tool_use':
      yield { type: 'input_json_delta', partial_json: '' };
      for (const partial_json of pieces(block.input_json, piece_chars))
        yield { type: 'input_json_delta', partial_json };
      return;
    case 'compaction':
      yield { type: 'compaction_delta', content: block.content, encrypted_content: null };
  }
}

/** Splits between code points, so that no piece ends in half a character. */
function* pieces(text: string, size: number): Generator<string> {
  const characters = Array.from(text);
  for (let at = 0; at < characters.length; at += size) yield characters.slice(at, at + size).join('');
}
