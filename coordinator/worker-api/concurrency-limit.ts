/** Limits how many pieces of work may run at once for each key. */
export class ConcurrencyLimit {
  readonly #max: number;
  readonly #running = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  /**
   * Takes a slot and returns the function that frees it; call that function exactly once. Returns undefined where no
   * slot is free.
   */
  take(key: string): (() => void) | undefined {
    const running = this.#running.get(key) ?? 0;
    if (running >= this.#max) return undefined;
    this.#running.set(key, running + 1);
    return () => {
      const left = (this.#running.get(key) ?? 1) - 1;
      if (left === 0) this.#running.delete(key);
      else this.#running.set(key, left);
    };
  }
}
