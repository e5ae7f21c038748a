import { ErrandError } from '../../protocol/problem.ts';

/**
 * How many bytes a second each key may send in the long run, and how many at once. `time_share`: the part of a CPU
 * that checking its bodies may take in the long run.
 */
export type ByteRate = { bytes_per_s: number; burst_bytes: number; time_share: number };

/** The keys that are kept at most. Those that have their whole burst again are dropped first. */
const KEYS_MAX = 10_000;

type Account = { left: number; at: number };

/**
 * Limits the bytes of bodies over time, and the time that is spent on them, for each key, such as a task or an address.
 * A body is admitted while anything is left, since its size is not known before it has come; what it takes beyond that
 * is paid back before the next one.
 */
export class ByteBudget {
  readonly #rate: ByteRate;
  readonly #now: () => number;
  readonly #accounts = new Map<string, Account>();

  /** `now`: a clock in milliseconds. */
  constructor(rate: ByteRate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  /** Throws `rate_limited` while the key has nothing left. */
  admit(key: string): void {
    const { left } = this.#account(key);
    if (left <= 0) throw this.#refusal(left);
  }

  /**
   * Takes the bytes of a body, or a part of it. Throws `rate_limited` once the key owes more than a burst: many bodies
   * that were admitted at once must not fill the memory.
   */
  spend(key: string, bytes: number): void {
    const account = this.#account(key);
    account.left -= bytes;
    if (account.left < -this.#rate.burst_bytes) throw this.#refusal(account.left);
  }

  /** Takes the time that it took to check a body. */
  spendTime(key: string, ms: number): void {
    const { bytes_per_s, time_share } = this.#rate;
    this.#account(key).left -= ((ms / 1000) * bytes_per_s) / time_share;
  }

  #refusal(left: number): ErrandError {
    const retry_after_s = Math.max(1, Math.ceil(-left / this.#rate.bytes_per_s));
    return new ErrandError('rate_limited', 'Too much data in a short time: wait before the next request.', {
      retry_after_s,
    });
  }

  #account(key: string): Account {
    const now = this.#now();
    const account = this.#accounts.get(key) ?? { left: this.#rate.burst_bytes, at: now };
    account.left = this.#refilled(account, now);
    account.at = now;
    // The one that was used last is at the end.
    this.#accounts.delete(key);
    if (this.#accounts.size >= KEYS_MAX) this.#drop(now);
    this.#accounts.set(key, account);
    return account;
  }

  #refilled({ left, at }: Account, now: number): number {
    const { bytes_per_s, burst_bytes } = this.#rate;
    return Math.min(burst_bytes, left + ((now - at) / 1000) * bytes_per_s);
  }

  #drop(now: number): void {
    for (const [key, account] of this.#accounts)
      if (this.#refilled(account, now) === this.#rate.burst_bytes) this.#accounts.delete(key);
    const [oldest] = this.#accounts.keys();
    if (this.#accounts.size >= KEYS_MAX && oldest !== undefined) this.#accounts.delete(oldest);
  }
}
