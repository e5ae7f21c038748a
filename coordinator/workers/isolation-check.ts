import { ErrandError } from '../../protocol/problem.ts';
import type { Logger } from '../base/logger.ts';
import { aborted } from '../base/deadline.ts';
import { Backoff } from '../base/retry.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import { failureLevel } from './failure-level.ts';
import type { Isolation } from './runner.ts';
import type { RunnerHealth } from './runner-health.ts';
import type { Workers } from './workers.ts';

const AGAIN = { first_ms: 1_000, max_ms: 60_000 };
const CHANGED =
  'The container engine was restarted, or has read its settings again. Whether workers are still isolated is being tried.';

/**
 * Tries before the first errand whether the workers are isolated, and again whenever that may have changed. While they
 * can reach what they must not reach, or that cannot be tried, dispatch is held, and it is tried again with backoff.
 */
export class IsolationCheck {
  readonly #workers: Workers;
  readonly #gate: DispatchGate;
  readonly #health: RunnerHealth;
  readonly #logger: Logger;
  readonly #backoff = new Backoff(AGAIN);
  readonly #stop = new AbortController();
  #passed = Promise.withResolvers<void>();
  #outcome = 'is being tried';

  constructor(workers: Workers, gate: DispatchGate, health: RunnerHealth, logger: Logger) {
    this.#workers = workers;
    this.#gate = gate;
    this.#health = health;
    this.#logger = logger;
  }

  /** What is known, for people. */
  get outcome(): string {
    return this.#outcome;
  }

  /** Resolves once it was tried for the first time, whatever came of it. Never rejects. */
  async start(): Promise<void> {
    await new Promise<void>((resolve) => void this.#keepTrying(resolve));
  }

  /** Resolves once it has passed, or the signal aborts. */
  async untilPassed(signal: AbortSignal): Promise<void> {
    await Promise.race([this.#passed.promise, aborted(signal)]);
  }

  stop(): void {
    this.#stop.abort();
  }

  async #keepTrying(onTried: () => void): Promise<void> {
    const { signal: stopped } = this.#stop;
    while (!stopped.aborted) {
      const watch = new AbortController();
      const { fault, detail, changed } = await this.#try(AbortSignal.any([stopped, watch.signal]));
      if (stopped.aborted) return onTried();
      this.#outcome = detail;
      this.#gate.set('isolation', fault);
      if (fault === null) this.#passed.resolve();
      onTried();
      if (fault === null) await this.#untilChanged(changed);
      watch.abort();
      await this.#backoff.wait(stopped);
    }
  }

  /** Waits until workers may be isolated differently, and holds dispatch. */
  async #untilChanged(changed: AbortSignal): Promise<void> {
    const { signal: stopped } = this.#stop;
    await aborted(AbortSignal.any([changed, stopped]));
    if (stopped.aborted) return;
    this.#backoff.reset();
    this.#passed = Promise.withResolvers();
    this.#gate.set('isolation', CHANGED);
  }

  /** Never rejects: what could not be tried has a fault. */
  async #try(watch: AbortSignal): Promise<Isolation> {
    const { runner } = this.#workers;
    try {
      const isolation = await this.#workers.tryIsolation(watch);
      if (!isolation) return { fault: null, detail: `none: ${runner.name}`, changed: watch };
      return isolation.changed.aborted ? { ...isolation, fault: CHANGED } : isolation;
    } catch (error) {
      // An engine that does not answer is the usual cause: its check names it.
      await this.#health.check();
      const level = failureLevel(this.#gate, 'warn');
      if (!watch.aborted)
        this.#logger[level]({ err: error, runner: runner.name }, 'isolation of workers could not be tried');
      const why = error instanceof ErrandError ? ` ${error.message}` : '';
      const fault = `It could not be tried whether workers are isolated; that is repeated.${why}`;
      return { fault, detail: this.#outcome, changed: watch };
    }
  }
}
