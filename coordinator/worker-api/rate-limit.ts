import { ErrandError } from '../../protocol/problem.ts';

const MINUTE_MS = 60_000;

/** What a key may still do, and since when that is so. */
type Bucket = { left: number; at_ms: number };

/** Limits how often each key may do something: so many times at once, and as many a minute. */
export class RateLimit {
  readonly #per_minute: number;
  readonly #detail: string;
  readonly #now: () => number;
  /** The key that was not used for the longest time comes first. */
  readonly #buckets = new Map<string, Bucket>();

  /** `detail`: the message of a refusal. `now`: a clock in milliseconds, for tests. */
  constructor(per_minute: number, detail: string, now: () => number = () => performance.now()) {
    this.#per_minute = per_minute;
    this.#detail = detail;
    this.#now = now;
  }

  /** Counts one use of the key. Throws `rate_limited` where it had too many; such a use does not count. */
  take(key: string): void {
    const at_ms = this.#now();
    this.#forget(at_ms);
    const { left: before, at_ms: since } = this.#buckets.get(key) ?? { left: this.#per_minute, at_ms };
    const left = Math.min(this.#per_minute, before + ((at_ms - since) * this.#per_minute) / MINUTE_MS);
    if (left < 1) {
      const retry_after_s = Math.ceil(((1 - left) * 60) / this.#per_minute);
      throw new ErrandError('rate_limited', this.#detail, { retry_after_s });
    }
    this.#buckets.delete(key);
    this.#buckets.set(key, { left: left - 1, at_ms });
  }

  /** A key that was not used for a minute has all it may have. */
  #forget(now: number): void {
    for (const [key, { at_ms }] of this.#buckets) {
      if (now - at_ms < MINUTE_MS) return;
      this.#buckets.delete(key);
    }
  }
}
