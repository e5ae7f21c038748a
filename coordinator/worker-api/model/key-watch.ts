import { Backoff, type BackoffTimes } from '../../base/retry.ts';
import type { DispatchGate } from '../../tasks/dispatch-gate.ts';

/** A key that was mistyped stays wrong until the restart; one that was blocked at the vendor may be allowed again. */
const ASK_AGAIN = { first_ms: 5_000, max_ms: 5 * 60_000 };
const REFUSED =
  'The Claude API refuses the API key of this server, so errands wait. Its owner has to correct ANTHROPIC_API_KEY and restart the server, or allow the key again at the API.';

/**
 * Holds dispatch while the Claude API refuses the server's key: with it each errand would fail at its first request.
 * `accepts` asks the API: true, it takes the key; false, it refuses it; undefined or a rejection, it is not known.
 */
export class KeyWatch {
  readonly #gate: DispatchGate;
  readonly #accepts: (signal: AbortSignal) => Promise<boolean | undefined>;
  readonly #again: BackoffTimes;
  readonly #closed = new AbortController();
  #asking = false;

  constructor(gate: DispatchGate, accepts: (signal: AbortSignal) => Promise<boolean | undefined>, again = ASK_AGAIN) {
    this.#gate = gate;
    this.#accepts = accepts;
    this.#again = again;
  }

  /** A request was refused as if the key were wrong. The API is asked first, so that one stray answer holds nothing. */
  doubt(): void {
    if (this.#asking || this.#closed.signal.aborted) return;
    this.#asking = true;
    void this.#askUntilAccepted().finally(() => (this.#asking = false));
  }

  close(): void {
    this.#closed.abort();
  }

  async #askUntilAccepted(): Promise<void> {
    const { signal } = this.#closed;
    const backoff = new Backoff(this.#again);
    while (!signal.aborted) {
      // Where nothing is known, dispatch stays as it is.
      const accepted = await this.#accepts(signal).catch(() => undefined);
      if (signal.aborted) return;
      if (accepted === true) return this.#gate.set('model', null);
      if (accepted === false) this.#gate.set('model', REFUSED);
      await backoff.wait(signal);
    }
  }
}
