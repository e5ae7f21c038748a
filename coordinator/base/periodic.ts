import { within } from './deadline.ts';

export type PeriodicOptions = {
  /**
   * Between the starts of two runs, in milliseconds. A run that takes longer delays the next one: runs never overlap.
   */
  every_ms: number;
  /** One run. Its errors go to `onError`. */
  work: (signal: AbortSignal) => void | Promise<void>;
  onError: (error: unknown) => void;
};

/** Runs a piece of work periodically until it is stopped. Does not keep the process alive. */
export class Periodic {
  readonly #options: PeriodicOptions;
  readonly #stopped = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: PeriodicOptions) {
    this.#options = options;
  }

  /** Runs now, and then every `every_ms`. Resolves after the first run. */
  start(): Promise<void> {
    this.#timer = setInterval(() => void this.run(), this.#options.every_ms).unref();
    return this.run();
  }

  /** Runs now, or joins the run in progress. Never rejects; does nothing after `stop()`. */
  run(): Promise<void> {
    if (this.#stopped.signal.aborted) return Promise.resolve();
    return (this.#running ??= this.#run().finally(() => (this.#running = undefined)));
  }

  /**
   * Starts no more runs and aborts the signal of the current one. Resolves when that has ended, or after `within_ms`.
   */
  async stop(within_ms = 5_000): Promise<void> {
    clearInterval(this.#timer);
    this.#stopped.abort();
    if (this.#running) await within(within_ms, this.#running);
  }

  async #run(): Promise<void> {
    try {
      await this.#options.work(this.#stopped.signal);
    } catch (error) {
      if (!this.#stopped.signal.aborted) this.#options.onError(error);
    }
  }
}
