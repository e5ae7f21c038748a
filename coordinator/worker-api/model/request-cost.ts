import type { Tokens } from '../../domain/prices.ts';
import type { Ask } from './reservation.ts';
import type { Meter, Metered } from './meter.ts';
import { unseenOutput } from './unseen-output.ts';
import { promptTokens } from './usage.ts';

/**
 * What a request has cost. `metered`: the API said it. `cut`: the answer was not seen to its end, and the model may
 * have written up to `output_tokens`. `unknown`: the answer ended, but says nothing about its cost that can be true, so
 * all of the reservation is charged. `nothing`: the API did not work on it.
 */
export type Outcome =
  | { kind: 'metered'; model: string; parts: Tokens[]; edited: boolean }
  | { kind: 'cut'; output_tokens: number }
  | { kind: 'unknown' }
  | { kind: 'nothing' };

/** More separate work than the API does for one request. */
const PARTS_MAX = 4;

/** Works out what one request costs, however far it came. */
export class RequestCost {
  readonly #ask: Ask;
  #status: number | undefined;
  #meter: Meter | undefined;
  #sent_ms: number | undefined;
  #ended = false;

  /** `ask`: what was reserved. */
  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** The status of the API's answer; undefined where there was none. */
  get status(): number | undefined {
    return this.#status;
  }

  /** The request is on its way to the API, which may work on it from now on. */
  sent(): void {
    this.#sent_ms = performance.now();
  }

  /** The API did not get the request, or refused it. */
  refused(): void {
    this.#sent_ms = undefined;
  }

  /** The answer begins. Returns the meter that must read it; undefined for an error, which costs nothing. */
  answered(status: number, meter: Meter): Meter | undefined {
    this.#status = status;
    if (status >= 300) {
      this.refused();
      return undefined;
    }
    return (this.#meter = meter);
  }

  /** The answer was read to its end. */
  ended(): void {
    this.#ended = true;
  }

  /** What is to be charged. */
  result(): Outcome {
    if (this.#sent_ms === undefined) return { kind: 'nothing' };
    const metered = this.#meter?.result(this.#ended);
    if (metered?.state === 'failed') return { kind: 'nothing' };
    if (metered && metered.state !== 'none' && !this.#isPlausible(metered)) return { kind: 'unknown' };
    const { model, parts, edited } = metered ?? { model: '', parts: [], edited: false };
    if (metered?.state === 'complete') return { kind: 'metered', model, parts, edited };
    // The summary, which is written first, is not seen until the answer begins.
    if (this.#ask.input.compacts) return { kind: 'unknown' };
    const seconds = (performance.now() - this.#sent_ms) / 1000;
    const unseen = unseenOutput(seconds, metered?.seen_bytes ?? 0, this.#ask.max_tokens);
    return { kind: 'cut', output_tokens: Math.max(parts[0]?.output ?? 0, unseen) };
  }

  /** Whether the usage can be true: the body bounds the prompt, and `max_tokens` the output. */
  #isPlausible({ reliable, parts }: Metered): boolean {
    const { input, max_tokens } = this.#ask;
    const prompt_max = input.tokens_max + (input.compacts ? max_tokens : 0);
    const total = parts.reduce((sum, part) => sum + promptTokens(part), 0);
    return (
      reliable &&
      total > 0 &&
      parts.length <= PARTS_MAX &&
      parts.every((part) => promptTokens(part) <= prompt_max && part.output <= max_tokens)
    );
  }
}
