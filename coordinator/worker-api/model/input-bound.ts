import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Tokens } from '../../domain/prices.ts';
import type { Caller } from '../caller.ts';
import { countTokens } from './count-tokens.ts';
import type { InputEstimate } from './estimate-input.ts';
import { KnownPrefixes, type Prompt } from './known-prefix.ts';
import type { Ledger } from './ledger.ts';
import { toCountBody, type BoundedRequest } from './policy.ts';
import type { ClaudeApi } from './upstream.ts';
import { promptTokens } from './usage.ts';

/** A prompt that may cost more than this share of what is left of the budget is counted by the API first. */
const COUNT_FROM_SHARE = 0.1;

/**
 * The bound of a request's prompt. `refusal`: the API refuses the request, with this answer. `countable`: false where
 * the API could not count at the moment, so that the bound may be far too high.
 */
export type InputBound = {
  prompt: Prompt;
  input: InputEstimate;
  countable: boolean;
  refusal?: Dispatcher.ResponseData;
};

/** A request whose prompt is to be bounded. `raw`: its body. */
type Request = {
  caller: Caller;
  max_tokens: number;
  wanted: BoundedRequest;
  raw: Buffer;
  headers: IncomingHttpHeaders;
};

/**
 * Finds the upper bound of a prompt: from the body alone; from the prompt before it, which the API has counted; and,
 * where that would take a large share of the budget, from the API's own count, which is free but takes time.
 */
export class InputBounds {
  readonly #api: ClaudeApi;
  readonly #ledger: Ledger;
  readonly #known = new KnownPrefixes();

  constructor(api: ClaudeApi, ledger: Ledger) {
    this.#api = api;
    this.#ledger = ledger;
  }

  async find({ caller, max_tokens, wanted, raw, headers }: Request, signal: AbortSignal): Promise<InputBound> {
    const { model, bound, compacts_from, counted_at, prompt } = wanted;
    const known = this.#known.tokensMax(caller.task_id, prompt) ?? Infinity;
    const tokens_max = Math.min(bound.tokens_max, known);
    const input = { ...bound, tokens_max, compacts: tokens_max >= compacts_from };
    const share = this.#ledger.shareOfRest(caller, { model, max_tokens, input });
    if (share <= COUNT_FROM_SHARE) return { prompt, input, countable: true };
    const uncounted = { body: toCountBody(raw, counted_at), bound: input, compacts_from };
    const outcome = await countTokens(this.#api, uncounted, headers, signal);
    switch (outcome.kind) {
      case 'counted':
        return { prompt, input: outcome.input, countable: true };
      case 'refused':
        return { prompt, input, countable: true, refusal: outcome.answer };
      case 'unsupported':
        return { prompt, input, countable: true };
      case 'unavailable':
        return { prompt, input, countable: false };
    }
  }

  /** Remembers how many tokens the API found in a prompt, unless it changed the prompt itself. */
  remember({ task_id }: Caller, prompt: Prompt, { parts, edited }: { parts: Tokens[]; edited: boolean }): void {
    const [part, ...others] = parts;
    if (part && others.length === 0 && !edited) this.#known.remember(task_id, prompt, promptTokens(part));
  }
}
