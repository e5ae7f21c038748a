import Anthropic, { APIConnectionError, APIConnectionTimeoutError, APIError, AnthropicError } from '@anthropic-ai/sdk';
import type {
  BetaMessage,
  BetaMessageParam,
  MessageCreateParams,
} from '@anthropic-ai/sdk/resources/beta/messages/messages';
import { z } from 'zod';
import type { TurnUsage } from '../protocol/events.ts';
import { BUDGET_HEADER } from '../protocol/worker.ts';
import type { WorkInput } from './work.ts';

/*
 * One request to the Claude API, and what came of it. It is streamed, it is never made twice here (`./loop/ask.ts` does that), and it cannot hang: a
 * watchdog counts the bytes. The only file that imports the SDK.
 */

/** A block of a message's content, kept word for word. */
export const Block = z.looseObject({ type: z.string() });
export type Block = z.infer<typeof Block>;
export type Message = { role: 'user' | 'assistant'; content: Block[] };
export type ToolSpec = { name: string; description: string; input_schema: Record<string, unknown> };

export type ModelRequest = {
  model: string;
  system: string;
  tools: ToolSpec[];
  messages: Message[];
  /** Shortens the context now, as far as the API goes, because it was too long as it is. */
  tight: boolean;
};

type Reduction = { means: 'clear_tool_uses' | 'compact'; detail: string };

export type ModelAnswer = {
  model: string;
  content: Block[];
  stop_reason: string | null;
  /** With `refusal`: what the API says about it. */
  refusal: string | null;
  usage: z.infer<typeof TurnUsage>;
  request_id: string | null;
  /** How the API shortened the context. */
  reductions: Reduction[];
  /** What the task's budget had left before this request, in US dollars; null where nobody said. */
  budget_left_usd: number | null;
};

/**
 * What a failed request means. `transient`: another try may fare better; `away`: there is no connection to the coordinator, by which all requests go; `overflow`: the context is too long; `thinking`, `image`: the API refuses a
 * thinking block, or an image, of the history; `budget`: the budget is spent; `unavailable`: the server asks not to try again now; `rejected`: it would
 * be refused for ever.
 */
export type ModelFault =
  'transient' | 'away' | 'overflow' | 'thinking' | 'image' | 'budget' | 'unavailable' | 'rejected';

export class ModelError extends Error {
  override readonly name = 'ModelError';
  readonly fault: ModelFault;
  /** When the API asks to come again. */
  readonly retry_after_ms: number | null;

  constructor(fault: ModelFault, message: string, retry_after_ms: number | null, cause?: unknown) {
    super(message, { cause });
    this.fault = fault;
    this.retry_after_ms = retry_after_ms;
  }
}

export type ModelPace = { headers_ms: number; idle_ms: number };

type Listener = {
  onText: (kind: 'text' | 'thinking', text: string) => void;
  /** Something came of the answer, be it only a sign of life. */
  onBytes: () => void;
};

const MAX_TOKENS = 32_000;
const BETAS = ['context-management-2025-06-27', 'compact-2026-01-12'];
/** Given in place of the API's own words, which a model with tools may answer by a tool call. */
const COMPACTION = `Summarise the conversation so far, so that the work can go on from the summary alone. Do not call tools. Wrap it in <summary></summary> \
and give it these headings: Goal (the task in the person's own words, and every later message of theirs), Constraints, Done (files changed and why), \
In progress, Blocked, Decisions, Next steps, Critical facts (paths, commands, errors word for word).`;

export class ModelClient {
  readonly #link: WorkInput['model'];
  readonly #pace: ModelPace;

  constructor(link: WorkInput['model'], pace: ModelPace) {
    this.#link = link;
    this.#pace = pace;
  }

  /** Makes the request once. Rejects with a `ModelError`, or with the signal's reason at an abort. */
  async ask(request: ModelRequest, signal: AbortSignal, { onText, onBytes }: Listener): Promise<ModelAnswer> {
    const watchdog = new Watchdog(this.#pace.idle_ms, onBytes);
    let headers = new Headers();
    const client = new Anthropic({
      baseURL: this.#link.base_url,
      // Called for each request: the task's token is renewed while the task runs.
      apiKey: async () => this.#link.token(),
      maxRetries: 0,
      timeout: this.#pace.headers_ms,
      logLevel: 'off',
      fetch: async (url, init) => {
        const response = await this.#link.fetch(url, init);
        ({ headers } = response);
        return watchdog.watch(response);
      },
    });
    try {
      const stream = client.beta.messages
        .stream(paramsOf(request), { signal: AbortSignal.any([signal, watchdog.signal]) })
        .on('text', (text) => onText('text', text))
        .on('thinking', (text) => onText('thinking', text));
      return answerOf(await stream.finalMessage(), headers);
    } catch (error) {
      signal.throwIfAborted();
      if (watchdog.signal.aborted)
        throw new ModelError(
          'transient',
          `The Claude API fell silent for ${this.#pace.idle_ms / 1000} s.`,
          null,
          error,
        );
      throw toModelError(error);
    } finally {
      watchdog.stop();
    }
  }
}

function paramsOf({ model, system, tools, messages, tight }: ModelRequest): MessageCreateParams {
  return {
    model,
    max_tokens: MAX_TOKENS,
    system: [{ type: 'text', text: system, cache_control: { type: 'ephemeral' } }],
    tools: tools as MessageCreateParams['tools'] & object,
    messages: withMark(messages) as BetaMessageParam[],
    thinking: { type: 'adaptive', display: 'summarized' },
    cache_control: { type: 'ephemeral' },
    context_management: {
      edits: [
        {
          type: 'clear_tool_uses_20250919',
          trigger: { type: 'input_tokens', value: tight ? 20_000 : 100_000 },
          keep: { type: 'tool_uses', value: tight ? 2 : 6 },
          // Each clearing writes the cache anew, so it must be worth it.
          clear_at_least: { type: 'input_tokens', value: tight ? 1_000 : 30_000 },
        },
        {
          type: 'compact_20260112',
          trigger: { type: 'input_tokens', value: tight ? 50_000 : 160_000 },
          instructions: COMPACTION,
        },
      ],
    },
    betas: BETAS,
  };
}

/**
 * Marks where the request before this one ended. The API finds a prefix in its cache only within 20 blocks of a mark, and a turn with many tools has more
 * than that.
 */
function withMark(messages: Message[]): Message[] {
  const at = messages.findLastIndex(({ role }, i) => role === 'user' && i < messages.length - 1);
  return messages.map((message, i) => {
    if (i !== at) return message;
    const content = message.content.map((block, j) =>
      j === message.content.length - 1 ? { ...block, cache_control: { type: 'ephemeral' } } : block,
    );
    return { ...message, content };
  });
}

function answerOf(message: BetaMessage, headers: Headers): ModelAnswer {
  const { usage } = message;
  const content = z.array(Block).parse(JSON.parse(JSON.stringify(message.content)));
  // What a compaction cost is not in the message's own numbers.
  const parts = [usage, ...(usage.iterations ?? []).filter(({ type }) => type === 'compaction')];
  const sum = (count: (part: (typeof parts)[number]) => number | null | undefined) =>
    parts.reduce((total, part) => total + (count(part) ?? 0), 0);
  const left = Number.parseFloat(headers.get(BUDGET_HEADER) ?? '');
  const details = message.stop_details;
  return {
    model: message.model,
    content,
    stop_reason: message.stop_reason,
    refusal: details?.type === 'refusal' ? (details.explanation ?? details.category ?? null) : null,
    usage: {
      input_tokens: sum((part) => part.input_tokens),
      cache_write_tokens: sum((part) => part.cache_creation_input_tokens),
      cache_read_tokens: sum((part) => part.cache_read_input_tokens),
      output_tokens: sum((part) => part.output_tokens),
    },
    request_id: headers.get('request-id'),
    reductions: reductionsOf(message),
    budget_left_usd: Number.isFinite(left) ? left : null,
  };
}

function reductionsOf({ content, context_management }: BetaMessage): Reduction[] {
  const cleared = (context_management?.applied_edits ?? []).flatMap((edit): Reduction[] =>
    edit.type === 'clear_tool_uses_20250919'
      ? [
          {
            means: 'clear_tool_uses',
            detail: `${edit.cleared_tool_uses} old tool results left out, ${edit.cleared_input_tokens} tokens`,
          },
        ]
      : [],
  );
  const compacted = content.flatMap((block): Reduction[] =>
    block.type === 'compaction' ? [{ means: 'compact', detail: block.content ?? 'no summary came of it' }] : [],
  );
  return [...cleared, ...compacted];
}

/** What an error of the SDK means for the next try. */
function toModelError(error: unknown): ModelError {
  if (error instanceof APIError) return fromApi(error);
  const why = error instanceof Error ? error.message : String(error);
  // A stream that was cut, that ended too early, or that was not what it should be.
  if (error instanceof AnthropicError || error instanceof SyntaxError)
    return new ModelError('transient', `The answer was cut off: ${why}`, null, error);
  throw error;
}

function fromApi(error: APIError): ModelError {
  const words = error.apiMessage ?? error.message;
  const make = (fault: ModelFault, text: string) => new ModelError(fault, text, retryAfterMs(error.headers), error);
  const { status, type } = error;
  if (type === 'billing_error' || status === 402) return make('budget', words);
  // A 429 that no waiting mends: the account's own limit, not the task's.
  if (error.errorCode?.endsWith('_spend_limit_reached') === true) return make('rejected', words);
  if (status === 413 || /prompt is too long|exceed context limit/i.test(words)) return make('overflow', words);
  const asked = error.headers?.get('x-should-retry');
  if (status === undefined) {
    // No answer at all, or an error inside of the stream.
    if (error instanceof APIConnectionError) {
      const code = codeOf(error);
      if (AWAY.has(code ?? '')) return make('away', `The server is away (${code}).`);
      const told = error instanceof APIConnectionTimeoutError ? 'did not answer in time' : 'could not be reached';
      return make('transient', `The Claude API ${told}: ${error.message}`);
    }
    if (type === null) return make('transient', `The Claude API broke off: ${words}`);
    const passing = ['overloaded_error', 'api_error', 'rate_limit_error', 'timeout_error'].includes(type);
    return make(passing ? 'transient' : 'rejected', `The Claude API broke off: ${words}`);
  }
  const told = `The Claude API answered ${status}: ${words}`;
  if (status === 408 || status === 409 || status === 429 || status >= 500 || asked === 'true')
    return make(asked === 'false' ? 'unavailable' : 'transient', told);
  if (status === 400 && /thinking|signature/i.test(words)) return make('thinking', told);
  if (status === 400 && /image/i.test(words)) return make('image', told);
  return make('rejected', told);
}

/** There was no connection to the coordinator, and so nothing went out: it is being started again, or its machine is away. */
const AWAY = new Set(
  'ECONNREFUSED ENOENT EHOSTDOWN EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN UND_ERR_CONNECT_TIMEOUT'.split(' '),
);

/** The system's code for what kept a request from being made, however deep in the causes; undefined: none. */
function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return 'code' in error && typeof error.code === 'string' ? error.code : codeOf(error.cause);
}

function retryAfterMs(headers: Headers | undefined): number | null {
  const ms = Number.parseFloat(headers?.get('retry-after-ms') ?? '');
  if (Number.isFinite(ms)) return Math.max(0, ms);
  const value = headers?.get('retry-after') ?? '';
  const s = Number.parseFloat(value);
  if (Number.isFinite(s)) return Math.max(0, s * 1000);
  const at = Date.parse(value);
  return Number.isNaN(at) ? null : Math.max(0, at - Date.now());
}

/** Aborts once an answer has brought no byte for so long. The SDK has a limit for the head alone, and hides the pings. */
class Watchdog {
  readonly #idle_ms: number;
  readonly #onBytes: () => void;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(idle_ms: number, onBytes: () => void) {
    this.#idle_ms = idle_ms;
    this.#onBytes = onBytes;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  watch(response: Response): Response {
    if (!response.body) return response;
    this.#touch();
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform: (bytes, to) => {
          this.#touch();
          to.enqueue(bytes);
        },
      }),
    );
    const { status, statusText, headers } = response;
    return new Response(counted, { status, statusText, headers });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #touch(): void {
    this.#onBytes();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(), this.#idle_ms);
  }
}
