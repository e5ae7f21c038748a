/**
 * How an attempt is stopped, in two stages. `work` ends the work; its changes are still pushed and reported. `all`
 * also ends that: the coordinator wants no more of this attempt, or the time is up.
 */
export class StopSignals {
  readonly #work = new AbortController();
  readonly #all = new AbortController();
  #cancel_reason: string | null = null;
  #is_terminated = false;

  get work(): AbortSignal {
    return this.#work.signal;
  }

  get all(): AbortSignal {
    return this.#all.signal;
  }

  /** Why the task was cancelled; null if it was not. */
  get cancel_reason(): string | null {
    return this.#cancel_reason;
  }

  /** Whether the process got a SIGTERM. */
  get is_terminated(): boolean {
    return this.#is_terminated;
  }

  cancel(reason: string): void {
    this.#cancel_reason ??= reason;
    this.#work.abort(new Error(`Cancelled: ${reason}`));
  }

  terminate(): void {
    this.#is_terminated = true;
    this.#work.abort(new Error('The worker is being stopped.'));
  }

  stopAll(error: Error): void {
    this.#all.abort(error);
    this.#work.abort(error);
  }
}
