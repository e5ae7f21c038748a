import { ErrandError } from '../../protocol/problem.ts';
import { RETRY_AFTER_S } from './concurrency-limit.ts';

/**
 * Runs the newest pieces of work of each key: one more than allowed aborts the oldest. `detail`: what its caller is
 * told.
 */
export class NewestOnly {
  readonly #max: number;
  readonly #detail: string;
  /** Oldest first. */
  readonly #running = new Map<string, AbortController[]>();

  constructor(max: number, detail: string) {
    this.#max = max;
    this.#detail = detail;
  }

  /** Runs `work` until its signal aborts, with the `rate_limited` error to reject with. */
  async run<T>(key: string, work: (newer: AbortSignal) => Promise<T>): Promise<T> {
    const own = new AbortController();
    const running = [...(this.#running.get(key) ?? []), own];
    const refusal = () => new ErrandError('rate_limited', this.#detail, { retry_after_s: RETRY_AFTER_S });
    if (running.length > this.#max) running.shift()?.abort(refusal());
    this.#running.set(key, running);
    try {
      return await work(own.signal);
    } finally {
      const left = this.#running.get(key)?.filter((each) => each !== own) ?? [];
      if (left.length === 0) this.#running.delete(key);
      else this.#running.set(key, left);
    }
  }
}
