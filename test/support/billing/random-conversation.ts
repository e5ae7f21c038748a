import type { Random } from '../random.ts';
import type { Plan } from './api.ts';
import type { Block, Mark, PromptMessage, PromptRequest, Ttl } from './count.ts';

/* Random requests and answers of an errand: plausible ones, hostile ones, and everything that changes their price. */

const MODELS = ['claude-sonnet-5-5', 'claude-sonnet-5-5', 'claude-haiku-5-5', 'claude-opus-5-5'];
const TTLS: { ttl?: Ttl }[] = [{}, { ttl: '5m' }, { ttl: '1h' }];

/** A conversation that grows with each request. */
export class RandomConversation {
  readonly #random: Random;
  readonly #model: string;
  readonly #id: string;
  readonly #tools: { [field: string]: unknown }[];
  #messages: PromptMessage[] = [];
  #is_summarised = false;

  constructor(random: Random, id: string) {
    this.#random = random;
    this.#id = id;
    this.#model = random.pick(MODELS);
    this.#tools = Array.from({ length: random.whole(0, 3) }, (_, i) => ({
      name: `tool_${i}`,
      description: this.#text(400),
      input_schema: { type: 'object', properties: { [this.#text(20)]: { type: 'string' } } },
    }));
    if (random.next() < 0.2) this.#tools.push({ type: 'bash_20250124', name: 'bash' });
  }

  /**
   * Adds a turn, and returns the next request: now and then one for a summary, which then takes the place of messages.
   */
  next(): PromptRequest {
    const random = this.#random;
    if (this.#is_summarised) this.#summarise();
    this.#is_summarised = false;
    if (this.#messages.length > 0) this.#messages.push({ role: 'assistant', content: this.#assistantBlocks() });
    this.#messages.push({ role: 'user', content: this.#userContent() });
    const edits = this.#edits();
    // The API takes no edits beside it.
    this.#is_summarised = random.next() < 0.15;
    return {
      model: this.#model,
      max_tokens: random.pick([0, 1, 100, 2_000, 32_000, 64_000]),
      messages: this.#marked(),
      system:
        random.next() < 0.3 ? [{ type: 'text', text: this.#text(300), cache_control: this.#mark() }] : 'Be brief.',
      ...(this.#tools.length > 0 && { tools: this.#tools }),
      ...(random.next() < 0.6 && { cache_control: this.#mark() }),
      ...(this.#is_summarised
        ? { compaction: { type: 'summarize' as const, instructions: this.#text(300) } }
        : edits.length > 0 && { context_management: { edits } }),
      ...(random.next() < 0.6 && { stream: true }),
      metadata: { user_id: this.#id },
    };
  }

  /** Puts a summary in the place of the first messages. The newest stay word for word. */
  #summarise(): void {
    const kept = this.#messages.slice(this.#random.whole(1, this.#messages.length));
    const summary = { type: 'compaction', content: this.#text(3_000), signature: this.#text(200) };
    this.#messages = [{ role: 'assistant', content: [summary] }, ...kept];
  }

  #userContent(): string | Block[] {
    const random = this.#random;
    const kind = random.next();
    if (kind < 0.25) return this.#text(1_500);
    if (kind < 0.27) return this.#text(30_000);
    if (kind < 0.4)
      return [{ type: 'image', source: png(random.whole(1, 3_000), random.whole(1, 3_000)) }, this.#block()];
    if (kind < 0.44) return [{ type: 'document', source: pdf(random.pick([1, 3, 30, 300, 500])) }, this.#block()];
    if (kind < 0.48) return [{ type: 'document', source: { type: 'text', data: this.#text(5_000) } }];
    return Array.from({ length: random.whole(1, 6) }, (_, i) => {
      const content = random.next() < 0.1 ? [{ type: 'image', source: png(800, 600) }] : this.#text(1_200);
      return { type: 'tool_result', tool_use_id: `t${i}`, content };
    });
  }

  #assistantBlocks(): Block[] {
    const random = this.#random;
    const blocks: Block[] = [];
    if (random.next() < 0.05)
      blocks.push({ type: 'compaction', content: random.next() < 0.2 ? null : this.#text(2_000) });
    if (random.next() < 0.3) blocks.push({ type: 'thinking', thinking: this.#text(500), signature: this.#text(600) });
    blocks.push(this.#block());
    if (random.next() < 0.6)
      blocks.push({ type: 'tool_use', id: 't', name: 'tool_0', input: { [this.#text(9)]: this.#text(800), n: 1 } });
    return blocks;
  }

  #block(): Block {
    return { type: 'text', text: this.#text(300) };
  }

  /** Marks the last block of some message. */
  #marked(): PromptMessage[] {
    const at = this.#random.whole(-1, this.#messages.length - 1);
    return this.#messages.map(({ role, content }, i) => {
      if (i !== at || typeof content === 'string') return { role, content };
      const last = content.length - 1;
      return {
        role,
        content: content.map((block, j) => (j === last ? { ...block, cache_control: this.#mark() } : block)),
      };
    });
  }

  #mark(): Mark {
    return { type: 'ephemeral', ...this.#random.pick(TTLS) };
  }

  #edits(): { type: string; trigger?: { value: number }; keep?: { value: number } }[] {
    const random = this.#random;
    const edits = [];
    if (random.next() < 0.2)
      edits.push({ type: 'clear_tool_uses_20250919', trigger: { value: 5_000 }, keep: { value: random.whole(0, 4) } });
    if (random.next() < 0.4)
      edits.push({ type: 'compact_20260112', trigger: { value: random.pick([50_000, 100_000]) } });
    return edits;
  }

  /** Words, digits (a token each), other scripts, or characters that JSON escapes. */
  #text(chars_max: number): string {
    const random = this.#random;
    const piece = random.pick([
      'some words of prose ',
      '0123456789',
      '{"a":[1,2]}',
      'Grüße 漢字 🙂 ',
      'a"\\\n\t\u0001',
      'zzzz',
    ]);
    return piece.repeat(Math.ceil(random.whole(1, chars_max) / piece.length));
  }
}

/** The request as JSON, now and then with escapes where none are needed. */
export function toJson(random: Random, request: PromptRequest): string {
  const json = JSON.stringify(request);
  // No literal of JSON has an `o` or an `h`, so each of them is in a string.
  if (random.next() < 0.1) return json.replaceAll('o', String.raw`\u006f`);
  return random.next() < 0.1 ? json.replaceAll('h', String.raw`\u0068`) : json;
}

/** What the API does with a request. */
export function randomPlan(random: Random): Plan {
  const text = random.pick(['Done.', 'word '.repeat(300), '0123456789'.repeat(200)]);
  const plan: Plan = { text, summary_tokens: random.pick([10, 3_000, 100_000]) };
  if (random.next() < 0.3) plan.output_tokens = random.pick([0, 1, 5_000, 100_000]);
  if (random.next() < 0.5) plan.summary_apart = true;
  const kind = random.next();
  if (kind < 0.06) plan.fault = { kind: 'status', status: random.pick([400, 429, 500, 529]) };
  else if (kind < 0.08) plan.fault = { kind: 'reset' };
  else if (kind < 0.12)
    plan.fault = { kind: random.pick(['cut', 'error_event'] as const), cut_after: random.whole(1, 20) };
  else if (kind < 0.17) plan.lies = random.pick(LIES);
  else if (kind < 0.2) plan.model = random.pick(['claude-haiku-5-5', 'claude-haiku-5-5-20261001', 'unheard-of']);
  return plan;
}

const LIES: Record<string, unknown>[] = [
  { input_tokens: -5 },
  { input_tokens: null },
  { output_tokens: -1_000_000 },
  { output_tokens: Number.NaN },
  { output_tokens: 1e300 },
  { input_tokens: 999_999_999 },
  { cache_creation_input_tokens: 1e12 },
  { input_tokens: '7', output_tokens: '7' },
  { input_tokens: 0.5 },
  { iterations: [{ type: 'compaction', input_tokens: -9 }] },
  { iterations: Array.from({ length: 90 }, () => ({ type: 'advisor', input_tokens: 100, output_tokens: 1 })) },
  { input_tokens: undefined, output_tokens: undefined, tokens_in: 5, tokens_out: 6 },
];

function png(width: number, height: number): object {
  const bytes = Buffer.alloc(64 + Math.round((width * height) / 5_000));
  bytes.write('\x89PNG\r\n\x1a\n', 'latin1');
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return { type: 'base64', media_type: 'image/png', data: bytes.toString('base64') };
}

function pdf(pages: number): object {
  const data = Buffer.from(`%PDF-1.7 << /Type /Pages /Count ${pages} >> ${'.'.repeat(100)}`).toString('base64');
  return { type: 'base64', media_type: 'application/pdf', data };
}
