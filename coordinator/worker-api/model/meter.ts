import { StringDecoder } from 'node:string_decoder';
import { z } from 'zod';
import type { Tokens } from '../../domain/prices.ts';
import { merge, toParts, UsageReport } from './usage-report.ts';

const edits = z.looseObject({ applied_edits: z.array(z.unknown()).nullish() }).nullish();
const Message = z.looseObject({ model: z.string(), usage: UsageReport, context_management: edits });
const Start = z.looseObject({ message: Message });
const Change = z.looseObject({
  usage: UsageReport,
  delta: z.looseObject({ stop_reason: z.string().nullish() }).nullish(),
  context_management: edits,
});
const Event = z.looseObject({ type: z.string(), delta: z.record(z.string(), z.unknown()).nullish() });

/**
 * What an answer says about its cost. `state`: whether it never began, failed before it did, broke off, or came to
 * its end. `reliable`: false where its usage is missing or impossible. `parts`: the tokens of the answer, and of
 * extra work of the API (compactions); each part is priced separately. `seen_bytes`: the text that arrived.
 */
export type Metered = {
  state: 'none' | 'failed' | 'begun' | 'complete';
  reliable: boolean;
  model: string;
  parts: Tokens[];
  seen_bytes: number;
  /** Whether the API left old results out of the prompt. */
  edited: boolean;
};

/** The longest answer, or line of a stream, that the meter reads. It skips longer ones. */
const TEXT_BYTES_MAX = 16 * 1024 * 1024;

type Options = {
  /** The answer is a stream of server-sent events, else one JSON document. */
  streamed: boolean;
  /** The request may write to the one-hour cache. */
  hour_cache: boolean;
  /** Called once a stream has reported the tokens of its prompt. */
  onBegin?: (model: string, prompt: Tokens) => void;
};

/** Reads the token usage from an answer as it is streamed. */
export class Meter {
  readonly #options: Options;
  readonly #decoder = new StringDecoder('utf8');
  #text = '';
  #usage: UsageReport | undefined;
  #model = '';
  #state: Metered['state'] = 'none';
  #reliable = true;
  #input_reported = false;
  #output_reported = false;
  #edited = false;
  #seen_bytes = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Reads the next bytes of the answer, which may end in the middle of a line or a character. */
  push(chunk: Uint8Array): void {
    this.#text += this.#decoder.write(chunk);
    if (this.#options.streamed) this.#readLines();
    else this.#seen_bytes += chunk.length;
    if (this.#text.length > TEXT_BYTES_MAX) this.#text = '';
  }

  /** The usage so far. `ended`: nothing more will come, and nothing broke off. */
  result(ended: boolean): Metered {
    if (!this.#options.streamed && ended) this.#readDocument();
    const complete = this.#state === 'complete';
    return {
      state: this.#state,
      reliable: this.#reliable && (!complete || (this.#input_reported && this.#output_reported)),
      model: this.#model,
      parts: this.#usage ? toParts(this.#usage, this.#options.hour_cache) : [],
      seen_bytes: this.#seen_bytes,
      edited: this.#edited,
    };
  }

  #readLines(): void {
    let from = 0;
    for (let to = this.#text.indexOf('\n'); to !== -1; to = this.#text.indexOf('\n', from)) {
      if (this.#text.startsWith('data:', from)) this.#readEvent(parseJson(this.#text.slice(from + 5, to)));
      from = to + 1;
    }
    this.#text = this.#text.slice(from);
  }

  #readEvent(value: unknown): void {
    const event = Event.safeParse(value).data;
    switch (event?.type) {
      case 'message_start':
        return this.#begin(Start.safeParse(value).data?.message);
      case 'message_delta':
        return this.#change(Change.safeParse(value).data);
      case 'content_block_delta':
        for (const [key, text] of Object.entries(event.delta ?? {}))
          if (key !== 'type' && typeof text === 'string') this.#seen_bytes += Buffer.byteLength(text);
        return;
      case 'message_stop':
        this.#state = 'complete';
        return;
      case 'error':
        if (this.#state === 'none') this.#state = 'failed';
        return;
      default:
    }
  }

  #begin(message: z.infer<typeof Message> | undefined): void {
    this.#state = 'begun';
    if (typeof message?.usage.input_tokens !== 'number') return void (this.#reliable = false);
    this.#input_reported = true;
    this.#model = message.model;
    this.#usage = merge(this.#usage ?? {}, message.usage);
    const [prompt] = toParts(this.#usage, this.#options.hour_cache);
    if (prompt) this.#options.onBegin?.(this.#model, prompt);
  }

  #change(change: z.infer<typeof Change> | undefined): void {
    if (!change) return void (this.#reliable = false);
    this.#usage = merge(this.#usage ?? {}, change.usage);
    this.#output_reported ||= typeof change.usage.output_tokens === 'number';
    this.#edited ||= (change.context_management?.applied_edits?.length ?? 0) > 0;
    // The API gives the reason once the answer is written.
    if (typeof change.delta?.stop_reason === 'string' && this.#state === 'begun') this.#state = 'complete';
  }

  #readDocument(): void {
    this.#state = 'complete';
    const message = Message.safeParse(parseJson(this.#text)).data;
    if (typeof message?.usage.input_tokens !== 'number') return void (this.#reliable = false);
    this.#input_reported = true;
    this.#model = message.model;
    this.#usage = message.usage;
    this.#output_reported = typeof message.usage.output_tokens === 'number';
    this.#edited = (message.context_management?.applied_edits?.length ?? 0) > 0;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
