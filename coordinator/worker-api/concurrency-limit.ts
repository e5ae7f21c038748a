import { ErrandError } from '../../protocol/problem.ts';

/** The error for a caller above the limit. `retry_after_s` is 1 by default. */
export type Refusal = { detail: string; retry_after_s?: number };

/** Limits how many pieces of work may run at once for each key. */
export class ConcurrencyLimit {
  readonly #max: number;
  readonly #refusal: Refusal;
  readonly #running = new Map<string, number>();

  constructor(max: number, refusal: Refusal) {
    this.#max = max;
    this.#refusal = refusal;
  }

  /** Runs `work`, or rejects with `rate_limited` if as many as allowed run for this key. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key) ?? 0;
    const { detail, retry_after_s = 1 } = this.#refusal;
    if (running >= this.#max) throw new ErrandError('rate_limited', detail, { retry_after_s });
    this.#running.set(key, running + 1);
    try {
      return await work();
    } finally {
      const left = (this.#running.get(key) ?? 1) - 1;
      if (left === 0) this.#running.delete(key);
      else this.#running.set(key, left);
    }
  }
}
