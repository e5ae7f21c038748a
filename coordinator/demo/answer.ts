/*
 * An answer of the Messages API as it goes over the wire, piece by piece. The demo model speaks through this, and so does the strict stand-in
 * of the tests, so that both have the details of the real stream: an opening ping, an empty first `partial_json`, JSON padded with spaces,
 * cumulative usage in `message_delta`.
 */

export type StopReason =
  'end_turn' | 'max_tokens' | 'tool_use' | 'pause_turn' | 'refusal' | 'model_context_window_exceeded' | 'compaction';

/** One block of an answer. `input_json` is the text of a tool's input, which an answer that was cut off leaves incomplete. */
export type AnswerBlock =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'tool_use'; id: string; name: string; input_json: string }
  | { type: 'compaction'; content: string };

type Tokens = {
  input_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
  cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number };
  output_tokens: number;
};

/** Tokens as the API counts them: `input_tokens` without those that the cache wrote or read. */
type AnswerUsage = Tokens & {
  output_tokens_details: { thinking_tokens: number };
  /** What a compaction cost comes on top of the other fields. */
  iterations: (Tokens & { type: 'message' | 'compaction' })[] | null;
};

export type Answer = {
  id: string;
  model: string;
  content: AnswerBlock[];
  stop_reason: StopReason;
  stop_details: { type: 'refusal'; category: string | null; explanation: string | null } | null;
  usage: AnswerUsage;
  /** What context editing did; null where the request did not ask for it. */
  context_management: { applied_edits: object[] } | null;
};

type StreamEvent = { type: string; [field: string]: unknown };

/** The message as `stream: false` gets it. */
export function toMessage(answer: Answer): object {
  const content = answer.content.map((block) => {
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
  const { stop_reason, stop_details, usage, context_management } = answer;
  return { ...envelope(answer), content, stop_reason, stop_details, usage: asUsage(usage), context_management };
}

/** The events of the stream, as text, each a whole `event:`/`data:` frame. Text comes in pieces of `piece_chars`. */
export function* toStream(answer: Answer, piece_chars: number): Generator<string> {
  const { usage } = answer;
  const atStart = { ...asUsage(usage), output_tokens: 1, output_tokens_details: null, iterations: null };
  yield frame({ type: 'message_start', message: { ...envelope(answer), usage: atStart } });
  for (const [index, block] of answer.content.entries()) {
    yield frame({ type: 'content_block_start', index, content_block: opening(block) });
    if (index === 0) yield frame({ type: 'ping' });
    for (const delta of deltas(block, piece_chars)) yield frame({ type: 'content_block_delta', index, delta });
    yield frame({ type: 'content_block_stop', index });
  }
  const { cache_creation: _, ...cumulative } = usage;
  yield frame({
    type: 'message_delta',
    delta: {
      stop_reason: answer.stop_reason,
      stop_sequence: null,
      stop_details: answer.stop_details,
      container: null,
    },
    usage: { ...cumulative, server_tool_use: null },
    context_management: answer.context_management,
  });
  yield frame({ type: 'message_stop' });
}

/** One frame of the stream. The real one pads its JSON before the last brace, by an amount that varies. */
function frame(event: StreamEvent): string {
  const json = JSON.stringify(event);
  return `event: ${event.type}\ndata: ${json.slice(0, -1)}${' '.repeat(json.length % 11)}}\n\n`;
}

const CALLER = { type: 'direct' };

function envelope(answer: Answer) {
  return {
    id: answer.id,
    type: 'message',
    role: 'assistant',
    model: answer.model,
    content: [],
    container: null,
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    context_management: null,
  };
}

function asUsage(usage: AnswerUsage) {
  return { ...usage, server_tool_use: null, service_tier: 'standard', inference_geo: 'not_available', speed: null };
}

function opening(block: AnswerBlock): object {
  switch (block.type) {
    case 'text':
      return { type: 'text', text: '', citations: null };
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' };
    case 'tool_use':
      return { type: 'tool_use', id: block.id, name: block.name, input: {}, caller: CALLER };
    case 'compaction':
      return { type: 'compaction', content: null, encrypted_content: null };
  }
}

function* deltas(block: AnswerBlock, piece_chars: number): Generator<object> {
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

/** Cuts between code points, so that no piece ends in half a character. */
function* pieces(text: string, size: number): Generator<string> {
  const characters = Array.from(text);
  for (let at = 0; at < characters.length; at += size) yield characters.slice(at, at + size).join('');
}
