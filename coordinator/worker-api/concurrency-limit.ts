import { ErrandError } from '../../protocol/problem.ts';

/** How soon whoever is above a limit may try again. */
export const RETRY_AFTER_S = 1;

/** Limits how many pieces of work may run at once for each key. `detail`: what a caller above the limit is told. */
export class ConcurrencyLimit {
  readonly #max: number;
  readonly #detail: string;
  readonly #running = new Map<string, number>();

  constructor(max: number, detail: string) {
    this.#max = max;
    this.#detail = detail;
  }

  /** Runs `work`, or rejects with `rate_limited` if as many as allowed run for this key. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const running = this.#running.get(key) ?? 0;
    if (running >= this.#max) throw new ErrandError('rate_limited', this.#detail, { retry_after_s: RETRY_AFTER_S });
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
