import { Backoff, type BackoffTimes } from '../../base/retry.ts';
import type { DispatchGate } from '../../tasks/dispatch-gate.ts';

/** A key that was mistyped stays wrong until the restart; one that was blocked at the vendor may be allowed again. */
const ASK_AGAIN = { first_ms: 5_000, max_ms: 5 * 60_000 };
const REFUSED =
  'The Claude API refuses the key in ANTHROPIC_API_KEY, so errands wait. Correct it and restart the server, or allow it at the API again.';

/**
 * Holds dispatch while the Claude API refuses the server's key: with it each errand would fail at its first request.
 * `accepts` asks the API, and rejects without an answer.
 */
export class KeyWatch {
  readonly #gate: DispatchGate;
  readonly #accepts: (signal: AbortSignal) => Promise<boolean>;
  readonly #again: BackoffTimes;
  readonly #closed = new AbortController();
  #asking = false;

  constructor(gate: DispatchGate, accepts: (signal: AbortSignal) => Promise<boolean>, again = ASK_AGAIN) {
    this.#gate = gate;
    this.#accepts = accepts;
    this.#again = again;
  }

  /** A request was refused as if the key were wrong. It is asked again, so that no single answer stops all. */
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
      // Without an answer nothing is known: what holds goes on to hold.
      const accepted = await this.#accepts(signal).catch(() => undefined);
      if (signal.aborted) return;
      if (accepted === true) return this.#gate.set('model', null);
      if (accepted === false) this.#gate.set('model', REFUSED);
      await backoff.wait(signal);
    }
  }
}
