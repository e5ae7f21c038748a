import { ErrandError } from '../../../protocol/problem.ts';

type Waiting = { key: string; begin: () => void };

/**
 * Limits how many git processes run at once, on the whole server and for each task. Others wait for their turn: those
 * of the task that has the fewest, then first come, first served.
 */
export class GitSlots {
  readonly #max: number;
  readonly #max_of_one: number;
  readonly #running = new Map<string, number>();
  #total = 0;
  #waiting: Waiting[] = [];

  constructor(limits: { at_once_max: number; of_one_max: number }) {
    this.#max = limits.at_once_max;
    this.#max_of_one = limits.of_one_max;
  }

  /**
   * Resolves once `key` has a slot, with the function that gives it back. Rejects with `unavailable` if the signal
   * aborts before.
   */
  take(key: string, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { key, begin: () => resolve(this.#begin(key)) };
      this.#waiting.push(waiting);
      const leave = () => {
        this.#waiting = this.#waiting.filter((other) => other !== waiting);
        reject(new ErrandError('unavailable', 'The request ended before git could begin.'));
      };
      if (signal.aborted) return leave();
      signal.addEventListener('abort', leave, { once: true });
      return this.#next();
    });
  }

  #begin(key: string): () => void {
    this.#total += 1;
    this.#running.set(key, this.#of(key) + 1);
    let given_back = false;
    return () => {
      if (given_back) return;
      given_back = true;
      this.#total -= 1;
      const left = this.#of(key) - 1;
      if (left === 0) this.#running.delete(key);
      else this.#running.set(key, left);
      this.#next();
    };
  }

  #next(): void {
    while (this.#total < this.#max) {
      let next: Waiting | undefined;
      for (const waiting of this.#waiting)
        if (this.#of(waiting.key) < (next ? this.#of(next.key) : this.#max_of_one)) next = waiting;
      if (!next) return;
      this.#waiting.splice(this.#waiting.indexOf(next), 1);
      next.begin();
    }
  }

  #of(key: string): number {
    return this.#running.get(key) ?? 0;
  }
}
