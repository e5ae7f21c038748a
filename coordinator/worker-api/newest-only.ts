import { ErrandError } from '../../protocol/problem.ts';
import type { Refusal } from './concurrency-limit.ts';

/** Runs the newest pieces of work of each key: one more than allowed aborts the oldest. */
export class NewestOnly {
  readonly #max: number;
  readonly #refusal: Refusal;
  /** Oldest first. */
  readonly #running = new Map<string, AbortController[]>();

  constructor(max: number, refusal: Refusal) {
    this.#max = max;
    this.#refusal = refusal;
  }

  /** Runs `work` until its signal aborts, with the `rate_limited` error to reject with. */
  async run<T>(key: string, work: (newer: AbortSignal) => Promise<T>): Promise<T> {
    const own = new AbortController();
    const running = [...(this.#running.get(key) ?? []), own];
    const { detail, retry_after_s = 1 } = this.#refusal;
    if (running.length > this.#max) running.shift()?.abort(new ErrandError('rate_limited', detail, { retry_after_s }));
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
