import type { Logger } from '../base/logger.ts';
import { Backoff } from '../base/retry.ts';
import type { DispatchGate } from '../tasks/dispatch-gate.ts';
import type { Runner } from './runner.ts';

const RECHECK = { first_ms: 1_000, max_ms: 30_000 };

/**
 * Checks whether the runner can start workers. While it cannot, tasks stay in the queue instead of failing, and the
 * check is repeated with backoff.
 */
export class RunnerHealth {
  readonly #runner: Runner;
  readonly #gate: DispatchGate;
  readonly #logger: Logger;
  readonly #backoff = new Backoff(RECHECK);
  #checking = false;
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(runner: Runner, gate: DispatchGate, logger: Logger) {
    this.#runner = runner;
    this.#gate = gate;
    this.#logger = logger;
  }

  /** Checks the runner: at the start, and whenever a worker could not be started. Never rejects. */
  async check(): Promise<void> {
    if (this.#checking || this.#stopped) return;
    this.#checking = true;
    clearTimeout(this.#timer);
    const fault = await this.#runner.check().catch((error: unknown) => {
      this.#logger.error({ err: error, runner: this.#runner.name }, 'runner check failed');
      return 'The runner could not be checked.';
    });
    this.#checking = false;
    if (this.#stopped) return;
    this.#gate.set('runner', fault);
    if (fault === null) this.#backoff.reset();
    else this.#timer = setTimeout(() => void this.check(), this.#backoff.next());
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }
}
