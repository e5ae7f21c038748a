import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import type { Tokens } from '../../domain/prices.ts';

const count = z.number().int().nonnegative().nullish();
const Counts = z.looseObject({
  input_tokens: count,
  output_tokens: count,
  cache_creation_input_tokens: count,
  cache_read_input_tokens: count,
  cache_creation: z.looseObject({ ephemeral_1h_input_tokens: count }).nullish(),
});
type Counts = z.infer<typeof Counts>;
const Usage = Counts.extend({ iterations: z.array(Counts.extend({ type: z.string() })).nullish() });
type Usage = z.infer<typeof Usage>;
const Message = z.looseObject({ model: z.string(), usage: Usage });

const Event = z.discriminatedUnion('type', [
  z.looseObject({ type: z.literal('message_start'), message: Message }),
  z.looseObject({ type: z.literal('message_delta'), usage: Usage }),
  z.looseObject({ type: z.literal('message_stop') }),
  z.looseObject({ type: z.literal('content_block_delta'), delta: z.looseObject({ type: z.string() }) }),
]);

/** What one request came to. `parts`: the answer itself, and what the API did besides (compactions), each priced by itself. */
export type Metered = { model: string; parts: Tokens[]; complete: boolean };

/** A whole answer, or one line of the stream; what is longer is passed on without being read. */
const TEXT_BYTES_MAX = 16 * 1024 * 1024;
/** Of an answer that was cut off the output is estimated: by what was seen of it, … */
const CHARS_PER_TOKEN = 3;
/** … and, since thinking may be hidden, by how long it was being written. */
export const TOKENS_PER_SECOND = 50;

type OnBegin = (model: string, prompt: Tokens) => void;

/**
 * Reads the usage out of an answer as it passes by. `streamed`: server-sent events, else one JSON document. `onBegin`: called once a stream
 * has said what its prompt was.
 */
export class Meter {
  readonly #streamed: boolean;
  readonly #onBegin: OnBegin;
  readonly #decoder = new StringDecoder('utf8');
  #text = '';
  #usage: Usage | undefined;
  #model = '';
  #chars = 0;
  #complete = false;
  #started_ms = 0;
  #newest_ms = 0;

  constructor(streamed: boolean, onBegin: OnBegin = () => undefined) {
    this.#streamed = streamed;
    this.#onBegin = onBegin;
  }

  /** Takes the next bytes of the answer, however they were cut. */
  push(chunk: Uint8Array): void {
    this.#newest_ms = performance.now();
    this.#text += this.#decoder.write(chunk);
    if (this.#streamed) this.#takeLines();
    if (this.#text.length > TEXT_BYTES_MAX) this.#text = '';
  }

  /** What there is to bill now that no more comes; undefined where the answer never began. */
  result(): Metered | undefined {
    if (!this.#streamed) this.#takeDocument();
    if (!this.#usage) return undefined;
    const extra = (this.#usage.iterations ?? []).filter(({ type }) => type !== 'message');
    const own = toTokens(this.#usage);
    if (!this.#complete) own.output = Math.max(own.output, this.#estimate());
    return { model: this.#model, parts: [own, ...extra.map(toTokens)], complete: this.#complete };
  }

  #estimate(): number {
    const seconds = (this.#newest_ms - this.#started_ms) / 1000;
    return Math.ceil(Math.max(this.#chars / CHARS_PER_TOKEN, seconds * TOKENS_PER_SECOND));
  }

  #takeLines(): void {
    let from = 0;
    for (let to = this.#text.indexOf('\n'); to !== -1; to = this.#text.indexOf('\n', from)) {
      if (this.#text.startsWith('data:', from)) this.#takeEvent(this.#text.slice(from + 5, to));
      from = to + 1;
    }
    this.#text = this.#text.slice(from);
  }

  #takeEvent(data: string): void {
    const event = Event.safeParse(parseJson(data)).data;
    switch (event?.type) {
      case 'message_start':
        this.#started_ms = performance.now();
        this.#model = event.message.model;
        this.#usage = event.message.usage;
        this.#onBegin(this.#model, toTokens(this.#usage));
        return;
      case 'message_delta':
        // The numbers are totals, and those that are null stay as they were.
        this.#usage = { ...this.#usage, ...given(event.usage) };
        return;
      case 'content_block_delta':
        for (const [key, value] of Object.entries(event.delta))
          if (key !== 'type' && typeof value === 'string') this.#chars += value.length;
        return;
      case 'message_stop':
        this.#complete = true;
        return;
      case undefined:
    }
  }

  #takeDocument(): void {
    const message = Message.safeParse(parseJson(this.#text)).data;
    if (!message) return;
    this.#model = message.model;
    this.#usage = message.usage;
    this.#complete = true;
  }
}

function toTokens(usage: Counts): Tokens {
  const written = usage.cache_creation_input_tokens ?? 0;
  const cache_write_1h = Math.min(written, usage.cache_creation?.ephemeral_1h_input_tokens ?? 0);
  return {
    input: usage.input_tokens ?? 0,
    cache_write_5m: written - cache_write_1h,
    cache_write_1h,
    cache_read: usage.cache_read_input_tokens ?? 0,
    output: usage.output_tokens ?? 0,
  };
}

function given(usage: Usage): Usage {
  return Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null && value !== undefined));
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
