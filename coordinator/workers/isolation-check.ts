import { ErrandError } from '../../protocol/problem.ts';
import type { Logger } from '../base/logger.ts';
import { aborted } from '../base/deadline.ts';
import { Backoff } from '../base/retry.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Workers } from './workers.ts';

const AGAIN = { first_ms: 1_000, max_ms: 60_000 };

/**
 * Tries before the first errand whether the workers are isolated. While they can reach what they must not reach, or that
 * cannot be tried, dispatch is held, and it is tried again with backoff.
 */
export class IsolationCheck {
  readonly #workers: Workers;
  readonly #gate: DispatchGate;
  readonly #logger: Logger;
  readonly #backoff = new Backoff(AGAIN);
  readonly #stop = new AbortController();
  readonly #passed = Promise.withResolvers<void>();
  #outcome = 'is being tried';

  constructor(workers: Workers, gate: DispatchGate, logger: Logger) {
    this.#workers = workers;
    this.#gate = gate;
    this.#logger = logger;
  }

  /** What is known, for people. */
  get outcome(): string {
    return this.#outcome;
  }

  /** Resolves once it was tried for the first time, whatever came of it. Never rejects. */
  async start(): Promise<void> {
    if (!(await this.#passes())) void this.#tryAgain();
  }

  /** Resolves once it has passed, or the signal aborts. */
  async untilPassed(signal: AbortSignal): Promise<void> {
    await Promise.race([this.#passed.promise, aborted(signal)]);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #tryAgain(): Promise<void> {
    do await this.#backoff.wait(this.#stop.signal);
    while (!this.#stop.signal.aborted && !(await this.#passes()));
  }

  async #passes(): Promise<boolean> {
    const { runner } = this.#workers;
    try {
      const { fault, detail } = (await this.#workers.tryIsolation()) ?? { fault: null, detail: `none: ${runner.name}` };
      this.#outcome = detail;
      this.#gate.set('isolation', fault);
      if (fault === null) this.#passed.resolve();
      return fault === null;
    } catch (error) {
      this.#logger.warn({ err: error, runner: runner.name }, 'isolation of workers could not be tried');
      const why = error instanceof ErrandError ? ` ${error.message}` : '';
      this.#gate.set('isolation', `It could not be tried whether workers are isolated; that is repeated.${why}`);
      return false;
    }
  }
}
