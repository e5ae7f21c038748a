import { ErrandError } from '../../protocol/problem.ts';

const MINUTE_MS = 60_000;
/** Keys past this number: the one that was used longest ago is forgotten. */
const KEYS_MAX = 10_000;

/**
 * Limits how often something may happen for each key: `times` at once, and as often in each window after that.
 * `detail` is the message for who comes more often. `now`: milliseconds since 1970.
 * `window_ms`: a minute by default.
 */
export class Rate {
  readonly #each_ms: number;
  readonly #window_ms: number;
  readonly #detail: string;
  readonly #now: () => number;
  /** When all that was used is free again. A key that is not there has used nothing. */
  readonly #free_at = new Map<string, number>();

  constructor(times: number, detail: string, now: () => number = Date.now, window_ms: number = MINUTE_MS) {
    this.#each_ms = window_ms / times;
    this.#window_ms = window_ms;
    this.#detail = detail;
    this.#now = now;
  }

  /** Uses one of the key's times. Throws `rate_limited` if none is left. */
  take(key: string): void {
    this.require(key);
    this.use(key);
  }

  /** Throws `rate_limited` if none of the key's times is left. */
  require(key: string): void {
    const over_ms = this.#usedUntil(key) + this.#each_ms - this.#now() - this.#window_ms;
    // A tolerance for sums of fractions.
    if (over_ms > 1e-3)
      throw new ErrandError('rate_limited', this.#detail, { retry_after_s: Math.ceil(over_ms / 1000) });
  }

  /** Counts one, even if none is left. */
  use(key: string): void {
    const until = Math.min(this.#usedUntil(key) + this.#each_ms, this.#now() + 2 * this.#window_ms);
    this.#free_at.delete(key);
    this.#free_at.set(key, until);
    for (const [oldest, at] of this.#free_at) {
      if (at > this.#now() && this.#free_at.size <= KEYS_MAX) break;
      this.#free_at.delete(oldest);
    }
  }

  /** A time that is further ahead than any use can put it was set before the clock was put back. */
  #usedUntil(key: string): number {
    const [at, now] = [this.#free_at.get(key) ?? 0, this.#now()];
    return at > now + 2 * this.#window_ms ? now : Math.max(at, now);
  }
}
