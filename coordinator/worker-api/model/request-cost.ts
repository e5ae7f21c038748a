import type { Meter, Metered } from './meter.ts';
import type { LlmRequest } from './policy.ts';
import { NO_TOKENS } from './usage.ts';

/** Works out what one request costs, however far it came. */
export class RequestCost {
  readonly #wanted: LlmRequest;
  #status: number | undefined;
  #meter: Meter | undefined;
  /**
   * Whether the prompt is charged for where no answer was seen: the API charges for it once it works on the request.
   */
  #charges_prompt = false;

  constructor(wanted: LlmRequest) {
    this.#wanted = wanted;
  }

  /** The status of the API's answer; undefined where there was none. */
  get status(): number | undefined {
    return this.#status;
  }

  /** The request is on its way to the API. */
  sent(): void {
    this.#charges_prompt = true;
  }

  /** The API did not get the request, or did not answer it. */
  refused(): void {
    this.#charges_prompt = false;
  }

  /** The answer begins. Returns the meter that must read it; undefined for an error, which costs nothing. */
  answered(status: number, makeMeter: () => Meter): Meter | undefined {
    this.#status = status;
    if (status < 400) this.#meter = makeMeter();
    else this.#charges_prompt = false;
    return this.#meter;
  }

  /** What is to be charged; undefined: nothing. */
  result(): Metered | undefined {
    const metered = this.#meter?.result();
    if (metered || !this.#charges_prompt) return metered;
    const { model, input_tokens } = this.#wanted;
    return { model, parts: [{ ...NO_TOKENS, input: input_tokens }], complete: false };
  }
}
